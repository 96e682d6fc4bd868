// verify-tiles checks a published log, a directory in the layout of C2SP tlog-tiles, with golang.org/x/mod/sumdb/tlog.
//
//	verify-tiles DIRECTORY SIZE ROOT [OLD-SIZE OLD-ROOT]
//
// DIRECTORY holds tile/<level>/<n> and tile/entries/<n>; SIZE and ROOT (base64) are those of a checkpoint that was verified before.
// Every entry of every bundle is hashed, proved by ProveRecord from the tiles and checked by CheckRecord; the root computed from the
// entries alone (StoredHashes) must be ROOT as well. With an older head, ProveTree and CheckTree show that it is a prefix.
// Prints "ok N entries" with status 0, or "fail: REASON" with status 1.
//
// x/mod names a tile tile/8/<level>/<n>, the height being part of the name; C2SP fixes the height at 8 and leaves it out.
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type tileFiles struct{ directory string }

func (files tileFiles) Height() int                     { return height }
func (files tileFiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (files tileFiles) path(tile tlog.Tile, level string) string {
	name := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	_, rest, _ := strings.Cut(name, "/")
	return filepath.Join(files.directory, "tile", level, rest)
}

// read gives a tile's bytes; a partial one may have been replaced by the full one, of which it is the beginning.
func (files tileFiles) read(tile tlog.Tile, level string) ([]byte, error) {
	data, err := os.ReadFile(files.path(tile, level))
	if err == nil || tile.W == 1<<height {
		return data, err
	}
	tile.W = 1 << height
	return os.ReadFile(files.path(tile, level))
}

func (files tileFiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := files.read(tile, strconv.Itoa(tile.L))
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", files.path(tile, strconv.Itoa(tile.L)), len(data))
		}
		all = append(all, data[:tile.W*tlog.HashSize])
	}
	return all, nil
}

// entries calls visit with every entry below size, in order.
func (files tileFiles) entries(size int64, visit func(index int64, entry []byte) error) error {
	for first := int64(0); first < size; first += 1 << height {
		width := min(size-first, 1<<height)
		tile := tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)}
		bundle, err := files.read(tile, "entries")
		if err != nil {
			return err
		}
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 {
				return fmt.Errorf("entry %d: the bundle ends", first+i)
			}
			length := int(bundle[0])<<8 | int(bundle[1])
			if len(bundle) < 2+length {
				return fmt.Errorf("entry %d: %d bytes expected, %d left", first+i, length, len(bundle)-2)
			}
			if err := visit(first+i, bundle[2:2+length]); err != nil {
				return err
			}
			bundle = bundle[2+length:]
		}
	}
	return nil
}

// memoryHashes holds the hashes that StoredHashes gives, as the tree is built anew from the entries.
type memoryHashes []tlog.Hash

func (hashes memoryHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(hashes)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		found = append(found, hashes[index])
	}
	return found, nil
}

func parseHash(text string) (hash tlog.Hash, err error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) != tlog.HashSize {
		return hash, fmt.Errorf("no hash in base64: %q", text)
	}
	copy(hash[:], data)
	return hash, nil
}

func checkEntries(files tileFiles, tree tlog.Tree, reader tlog.HashReader) error {
	var rebuilt memoryHashes
	err := files.entries(tree.N, func(index int64, entry []byte) error {
		leaf := tlog.RecordHash(entry)
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		stored, err := tlog.StoredHashes(index, entry, rebuilt)
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		rebuilt = append(rebuilt, stored...)
		return nil
	})
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(tree.N, rebuilt)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the entries' root is %v", root)
	}
	return nil
}

func checkOlder(arguments []string, tree tlog.Tree, reader tlog.HashReader) error {
	size, err := strconv.ParseInt(arguments[0], 10, 64)
	if err != nil {
		return err
	}
	root, err := parseHash(arguments[1])
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, size, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, size, root)
}

func check(arguments []string) (int64, error) {
	files := tileFiles{arguments[0]}
	size, err := strconv.ParseInt(arguments[1], 10, 64)
	if err != nil {
		return 0, err
	}
	root, err := parseHash(arguments[2])
	if err != nil {
		return 0, err
	}
	tree := tlog.Tree{N: size, Hash: root}
	reader := tlog.TileHashReader(tree, files) // checks what it reads against the root
	computed, err := tlog.TreeHash(size, reader)
	if err != nil {
		return 0, err
	}
	if computed != root {
		return 0, fmt.Errorf("the tiles' root is %v", computed)
	}
	if err := checkEntries(files, tree, reader); err != nil {
		return 0, err
	}
	if len(arguments) > 3 {
		if err := checkOlder(arguments[3:], tree, reader); err != nil {
			return 0, fmt.Errorf("older head: %w", err)
		}
	}
	return size, nil
}

func main() {
	if len(os.Args) != 4 && len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: verify-tiles DIRECTORY SIZE ROOT [OLD-SIZE OLD-ROOT]")
		os.Exit(2)
	}
	size, err := check(os.Args[1:])
	if err != nil {
		fmt.Println("fail:", err)
		os.Exit(1)
	}
	fmt.Printf("ok %d entries\n", size)
}
