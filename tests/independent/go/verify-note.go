// verify-note checks a signed note (a checkpoint) with golang.org/x/mod/sumdb/note.
//
//	verify-note FILE VKEY...
//
// FILE is the note, VKEY a verification key "name+hash+base64". Every key given must have signed. x/mod knows Ed25519 (type 1) only;
// signatures of other types are passed over. Prints one line, "ok ORIGIN SIZE ROOT-IN-BASE64", with status 0; or "fail: REASON" with
// status 1.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func check(path string, keys []string) (string, error) {
	message, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var verifiers []note.Verifier
	for _, key := range keys {
		verifier, err := note.NewVerifier(key)
		if err != nil {
			return "", err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(message, note.VerifierList(verifiers...))
	if err != nil {
		return "", err
	}
	for _, verifier := range verifiers {
		signed := false
		for _, signature := range opened.Sigs {
			signed = signed || (signature.Name == verifier.Name() && signature.Hash == verifier.KeyHash())
		}
		if !signed {
			return "", fmt.Errorf("not signed by %s", verifier.Name())
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return "", fmt.Errorf("a checkpoint has three lines, found %d", len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] {
		return "", fmt.Errorf("the size is no decimal: %q", lines[1])
	}
	return fmt.Sprintf("ok %s %d %s", lines[0], size, lines[2]), nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: verify-note FILE VKEY...")
		os.Exit(2)
	}
	result, err := check(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Println("fail:", err)
		os.Exit(1)
	}
	fmt.Println(result)
}
