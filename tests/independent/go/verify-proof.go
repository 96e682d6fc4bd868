// verify-proof checks a receipt (C2SP tlog-proof) with golang.org/x/mod/sumdb: note.Open for its checkpoint, tlog.CheckRecord for
// its path.
//
//	verify-proof RECEIPT ENTRY VKEY...
//
// RECEIPT is the proof, ENTRY the bytes of the leaf, VKEY an Ed25519 verification key that must have signed the checkpoint. Prints
// "ok ORIGIN INDEX SIZE" with status 0, or "fail: REASON" with status 1.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type receipt struct {
	index      int64
	path       tlog.RecordProof
	checkpoint string
}

func parseHash(text string) (hash tlog.Hash, err error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) != tlog.HashSize {
		return hash, fmt.Errorf("no hash in base64: %q", text)
	}
	copy(hash[:], data)
	return hash, nil
}

func parse(text string) (parsed receipt, err error) {
	head, checkpoint, found := strings.Cut(text, "\n\n")
	if !found {
		return parsed, fmt.Errorf("no blank line before the checkpoint")
	}
	parsed.checkpoint = checkpoint
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return parsed, fmt.Errorf("not a tlog-proof: %q", lines[0])
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return parsed, fmt.Errorf("no index line")
	}
	if parsed.index, err = strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64); err != nil {
		return parsed, err
	}
	for _, line := range lines[1:] {
		hash, err := parseHash(line)
		if err != nil {
			return parsed, err
		}
		parsed.path = append(parsed.path, hash)
	}
	return parsed, nil
}

func check(receiptPath, entryPath string, keys []string) (string, error) {
	text, err := os.ReadFile(receiptPath)
	if err != nil {
		return "", err
	}
	entry, err := os.ReadFile(entryPath)
	if err != nil {
		return "", err
	}
	parsed, err := parse(string(text))
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
	opened, err := note.Open([]byte(parsed.checkpoint), note.VerifierList(verifiers...))
	if err != nil {
		return "", err
	}
	if len(opened.Sigs) != len(keys) {
		return "", fmt.Errorf("%d of %d keys have signed", len(opened.Sigs), len(keys))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return "", fmt.Errorf("a checkpoint has three lines, found %d", len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return "", err
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return "", err
	}
	if err := tlog.CheckRecord(parsed.path, size, root, parsed.index, tlog.RecordHash(entry)); err != nil {
		return "", err
	}
	return fmt.Sprintf("ok %s %d %d", lines[0], parsed.index, size), nil
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: verify-proof RECEIPT ENTRY VKEY...")
		os.Exit(2)
	}
	result, err := check(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Println("fail:", err)
		os.Exit(1)
	}
	fmt.Println(result)
}
