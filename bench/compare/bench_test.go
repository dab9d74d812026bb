package main

import (
	"io"
	"slices"
	"testing"

	"github.com/newsnet-africa/netabase-go/bench/internal/article"
	"github.com/newsnet-africa/netabase-go/bench/internal/contender"
)

// BenchmarkStores runs one case with one contender, for a profiler. To compare contenders use
// the command, which lets them take turns.
//
//	go test ./compare -run '^$' -bench 'Stores/bolt/get/typed$' -cpuprofile cpu.out
func BenchmarkStores(b *testing.B) {
	const rows = 1_000
	block := article.Block(1, rows)
	ids, authors := keysOf(block)
	reads := map[string]func(contender.Store) (contender.Tally, error){
		getCase:      func(s contender.Store) (contender.Tally, error) { return s.Get(ids) },
		getEachCase:  func(s contender.Store) (contender.Tally, error) { return s.GetEach(ids) },
		findCase:     func(s contender.Store) (contender.Tally, error) { return s.Find(authors) },
		findEachCase: func(s contender.Store) (contender.Tally, error) { return s.FindEach(authors) },
		keysCase:     func(s contender.Store) (contender.Tally, error) { return s.Keys(authors) },
		keysEachCase: func(s contender.Store) (contender.Tally, error) { return s.KeysEach(authors) },
	}
	writes := map[string]func(contender.Store, []article.Article) error{
		insertCase:     contender.Store.Insert,
		insertEachCase: contender.Store.InsertEach,
	}
	for _, f := range fields {
		for _, name := range allCases {
			for _, e := range f.entrants {
				read, write := reads[name], writes[name]
				if read == nil && write == nil || e.cases != nil && !slices.Contains(e.cases, name) {
					continue
				}
				b.Run(f.engine+"/"+name+"/"+e.name, func(b *testing.B) {
					store, err := e.open(tempDir(b))
					if err != nil {
						b.Fatal(err)
					}
					defer store.Close()
					if err := store.Insert(block); err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					for n := uint64(1); b.Loop(); n++ {
						if write != nil {
							b.StopTimer()
							fresh := article.Block(n*rows+1, rows)
							b.StartTimer()
							err = write(store, fresh)
						} else {
							_, err = read(store)
						}
						if err == contender.ErrUnsupported {
							b.Skip(err)
						}
						if err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed())/float64(b.N)/rows, "ns/row")
				})
			}
		}
	}
}

// tempDir is b.TempDir in memory where that is possible.
func tempDir(b *testing.B) string {
	dir, remove, err := new(common).place(io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(remove)
	return dir
}
