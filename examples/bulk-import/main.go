// Bulk-import loads a CSV file of any length, in transactions as large as the engine takes. It
// reports progress and can be resumed where it ended.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/bolt"
	"github.com/newsnet-africa/netabase-go/models"
)

type Reading struct {
	ID      uint64
	Station string
	Celsius float64
}

var (
	Readings         = models.NewTree("reading", models.Uint64, func(r *Reading) uint64 { return r.ID })
	ReadingByStation = models.NewIndex(Readings, "station", models.String, func(r *Reading) string { return r.Station })

	Weather = models.NewDefinition("weather", Readings)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "netabase-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := datastore.Open(ctx, bolt.Engine(dir), Weather)
	if err != nil {
		return err
	}
	defer store.Close()

	file := table(10_000) // a file, in a real program
	broken := strings.Replace(file, "\n7000,Lagos,", "\n7000,Lagos,warm ", 1)
	progress, err := datastore.Import(ctx, store, Readings, rows(strings.NewReader(broken)), datastore.ImportOptions{})
	var failure *datastore.ImportError
	if errors.As(err, &failure) {
		fmt.Println(err)
		fmt.Printf("%d rows are stored, %d of them durable\n", progress.Rows, progress.Durable)
	}

	// After the file has been corrected, the import goes on where it ended.
	progress, err = datastore.Import(ctx, store, Readings, rows(strings.NewReader(file)), datastore.ImportOptions{
		Skip: progress.Rows,
	})
	if err != nil {
		return err
	}
	n, err := ReadingByStation.Count(ctx, store, models.Only("Kano"))
	fmt.Printf("%d rows are stored, %d of Kano\n", progress.Rows, n)
	return err
}

// rows reads a table one row at a time.
func rows(file io.Reader) iter.Seq2[Reading, error] {
	return func(yield func(Reading, error) bool) {
		table := csv.NewReader(file)
		for {
			fields, err := table.Read()
			if err == io.EOF {
				return
			}
			var r Reading
			if err == nil {
				r, err = parse(fields)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func parse(fields []string) (r Reading, err error) {
	if len(fields) != 3 {
		return r, fmt.Errorf("%d fields, not 3", len(fields))
	}
	r.Station = fields[1]
	if r.ID, err = strconv.ParseUint(fields[0], 10, 64); err != nil {
		return r, err
	}
	r.Celsius, err = strconv.ParseFloat(fields[2], 64)
	return r, err
}

func table(rows int) string {
	stations := []string{"Kano", "Lagos", "Jos"}
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, "%d,%s,%.1f\n", i, stations[i/100%3], 20+float64(i%150)/10)
	}
	return text.String()
}
