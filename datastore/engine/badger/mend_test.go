package badger

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"google.golang.org/protobuf/proto"
)

func create(id uint64) *pb.ManifestChange {
	return &pb.ManifestChange{Id: id, Op: pb.ManifestChange_CREATE, Compression: uint32(options.None)}
}

func remove(id uint64) *pb.ManifestChange {
	return &pb.ManifestChange{Id: id, Op: pb.ManifestChange_DELETE}
}

// TestMendManifest has compactions fail after they have written to the manifest.
func TestMendManifest(t *testing.T) {
	flush := func(id uint64) []*pb.ManifestChange { return []*pb.ManifestChange{create(id)} }
	compact := func(id uint64) []*pb.ManifestChange { return []*pb.ManifestChange{create(id), remove(1), remove(2)} }
	for name, test := range map[string]struct {
		sets  [][]*pb.ManifestChange
		files []uint64
		void  []uint64
		want  []uint64 // nil where the manifest is to stay as it is
	}{
		"nothing wrong":                {[][]*pb.ManifestChange{flush(1), flush(2), compact(3)}, []uint64{3}, nil, nil},
		"left-overs":                   {[][]*pb.ManifestChange{flush(1), flush(2), compact(3)}, []uint64{1, 2, 3}, nil, nil},
		"failed":                       {[][]*pb.ManifestChange{flush(1), flush(2), compact(3)}, []uint64{1, 2}, nil, []uint64{1, 2}},
		"failed, then a flush":         {[][]*pb.ManifestChange{flush(1), flush(2), compact(3), flush(4)}, []uint64{1, 2, 4}, nil, []uint64{1, 2, 4}},
		"failed, then done":            {[][]*pb.ManifestChange{flush(1), flush(2), compact(3), compact(4)}, []uint64{4}, nil, []uint64{4}},
		"failed twice, then done":      {[][]*pb.ManifestChange{flush(1), flush(2), compact(3), compact(4), compact(5)}, []uint64{5}, nil, []uint64{5}},
		"a table deleted":              {[][]*pb.ManifestChange{flush(1), flush(2), compact(3)}, nil, nil, nil},
		"a flushed table deleted":      {[][]*pb.ManifestChange{flush(1), flush(2)}, []uint64{1}, nil, nil},
		"failed, another deleted":      {[][]*pb.ManifestChange{flush(1), flush(2), compact(3)}, []uint64{1}, nil, nil},
		"a memtable failed":            {[][]*pb.ManifestChange{flush(1), flush(2)}, []uint64{1}, []uint64{2}, []uint64{1}},
		"a memtable failed, then done": {[][]*pb.ManifestChange{flush(1), flush(2), flush(3)}, []uint64{1, 3}, []uint64{2}, []uint64{1, 3}},
		"another is noted":             {[][]*pb.ManifestChange{flush(1), flush(2)}, []uint64{1}, []uint64{3}, nil},
		"of none is there a table":     {nil, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			manifest := []byte("Bdgr\x00\x00\x00\x08")
			for _, changes := range test.sets {
				set, err := proto.Marshal(&pb.ManifestChangeSet{Changes: changes})
				if err != nil {
					t.Fatal(err)
				}
				manifest = binary.BigEndian.AppendUint32(manifest, uint32(len(set)))
				manifest = binary.BigEndian.AppendUint32(manifest, crc32.Checksum(set, castagnoli))
				manifest = append(manifest, set...)
			}
			name := filepath.Join(path, "MANIFEST")
			if err := os.WriteFile(name, manifest, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, id := range test.files {
				if err := os.WriteFile(table.NewFilename(id, path), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, id := range test.void {
				numbers := binary.BigEndian.AppendUint64(nil, id)
				if err := os.WriteFile(filepath.Join(path, voidName), numbers, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := mendManifest(path, true); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if changed := string(after) != string(manifest); changed != (test.want != nil) {
				t.Errorf("changed is %v", changed)
			}
			tables, err := manifestTables(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range test.want {
				if _, ok := tables[id]; !ok || len(tables) != len(test.want) {
					t.Errorf("tables %v, want %v", tables, test.want)
				}
			}
		})
	}
}
