package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"google.golang.org/protobuf/proto"

	"github.com/newsnet-africa/netabase-go/datastore/engine/internal/disk"
)

// The manifest as Badger v4.9.6 writes it: a head, then sets of changes, each with
// its length and its CRC-32C before it.
const (
	manifestHead = 8
	setHead      = 8
)

// changeSet is one set of the manifest, and its bytes.
type changeSet struct {
	changes []*pb.ManifestChange
	raw     []byte
}

// mendManifest removes from the manifest the tables that Badger deleted because it
// failed to sync the manifest. When that fails Badger deletes the tables that it has
// just made, although the manifest names them by then. If they were made of a memtable,
// Badger writes it again until it works. If they were made by a compaction, Badger keeps
// the tables that they were to replace.
//
// A table is taken for one of a memtable only if it was noted at the time. The manifest
// is changed only if all tables that it names afterwards are there, and never in a
// database that was closed: that has all its tables.
func mendManifest(path string, durable bool) error {
	if closed, err := readMark(path); err != nil || closed != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(path, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	sets := changeSets(content)
	missing, err := missingOf(path, sets)
	if err != nil || len(missing) == 0 { // there is a head if there are sets
		return err
	}
	void, err := readVoid(path)
	if err != nil {
		return err
	}
	kept := content[:manifestHead:manifestHead]
	var left []changeSet
	for _, set := range sets {
		gone, explained := false, false
		for _, change := range set.changes {
			gone = gone || change.Op == pb.ManifestChange_CREATE && missing[change.Id]
			explained = explained || change.Op == pb.ManifestChange_DELETE || void[change.Id]
		}
		if gone && explained {
			continue
		}
		left, kept = append(left, set), append(kept, set.raw...)
	}
	if missing, err := missingOf(path, left); err != nil || len(missing) > 0 {
		return err // it is another damage
	}
	making := filepath.Join(path, manifestMaking)
	if err := disk.Replace(making, filepath.Join(path, badger.ManifestFilename), kept, durable); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return removeVoid(path)
}

// changeSets returns the sets that are whole.
func changeSets(manifest []byte) (sets []changeSet) {
	for rest := manifest[min(manifestHead, len(manifest)):]; len(rest) >= setHead; {
		end := setHead + int64(binary.BigEndian.Uint32(rest))
		if end > int64(len(rest)) ||
			crc32.Checksum(rest[setHead:end], castagnoli) != binary.BigEndian.Uint32(rest[4:]) {
			break
		}
		var set pb.ManifestChangeSet
		if proto.Unmarshal(rest[setHead:end], &set) != nil {
			return nil
		}
		sets, rest = append(sets, changeSet{set.Changes, rest[:end]}), rest[end:]
	}
	return sets
}

// missingOf returns the tables that the sets leave in place and that have no file.
func missingOf(path string, sets []changeSet) (map[uint64]bool, error) {
	tables := map[uint64]bool{}
	for _, set := range sets {
		for _, change := range set.changes {
			if change.Op == pb.ManifestChange_CREATE {
				tables[change.Id] = true
			} else {
				delete(tables, change.Id)
			}
		}
	}
	for id := range tables {
		_, err := os.Stat(table.NewFilename(id, path))
		switch {
		case err == nil:
			delete(tables, id)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return tables, nil
}
