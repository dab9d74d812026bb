// Indexes finds rows by a key that many rows share, by a key that only one row has, by
// any of a row's several keys, and by two keys together.
package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"math"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type Song struct {
	ID     uint64
	Title  string
	Artist string
	Year   int
	ISRC   string // the code of the recording
	Genres []string
}

var (
	Songs = models.NewTree("song", models.Uint64, func(s *Song) uint64 { return s.ID })

	// An artist can have many songs.
	SongByArtist = models.NewIndex(Songs, "artist", models.String, func(s *Song) string { return s.Artist })
	// A code can have one song at most: a second is refused.
	SongByISRC = models.NewUnique(Songs, "isrc", models.String, func(s *Song) string { return s.ISRC })
	// A song is found by each of its genres.
	SongByGenre = models.NewMulti(Songs, "genre", models.String, func(s *Song) []string { return s.Genres })
	// Two keys together are ordered by the first and then by the second.
	SongByArtistYear = models.NewIndex(Songs, "artist_year", models.PairOf(models.String, models.Int),
		func(s *Song) models.Pair[string, int] { return models.MakePair(s.Artist, s.Year) })

	Music = models.NewDefinition("music", Songs)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Music)
	if err != nil {
		return err
	}
	defer store.Close()
	err = Songs.PutMany(ctx, store, []Song{
		{1, "Water No Get Enemy", "Fela Kuti", 1975, "A1", []string{"afrobeat", "jazz"}},
		{2, "Lady", "Fela Kuti", 1972, "A2", []string{"afrobeat"}},
		{3, "Zombie", "Fela Kuti", 1976, "A3", []string{"afrobeat", "funk"}},
		{4, "Pata Pata", "Miriam Makeba", 1967, "B1", []string{"mbaqanga", "jazz"}},
	})
	if err != nil {
		return err
	}

	fmt.Println("by Fela Kuti:")
	if err := show(SongByArtist.Find(ctx, store, "Fela Kuti")); err != nil {
		return err
	}
	fmt.Println("jazz:")
	if err := show(SongByGenre.Find(ctx, store, "jazz")); err != nil {
		return err
	}
	fmt.Println("by Fela Kuti, from 1975 on:")
	since := models.From(models.MakePair("Fela Kuti", 1975)).To(models.MakePair("Fela Kuti", math.MaxInt))
	if err := show(SongByArtistYear.Range(ctx, store, since)); err != nil {
		return err
	}
	fmt.Println("by Fela Kuti, the newest:")
	newest := models.FirstIs(SongByArtistYear, "Fela Kuti").Reverse().Limit(1)
	if err := show(SongByArtistYear.Range(ctx, store, newest)); err != nil {
		return err
	}

	song, err := SongByISRC.Get(ctx, store, "B1")
	if err != nil {
		return err
	}
	fmt.Println("B1 is", song.Title)
	err = Songs.Put(ctx, store, &Song{ID: 5, Title: "Malaika", ISRC: "B1"})
	fmt.Println("B1 again:", errors.Is(err, models.ErrUnique))

	// Indexes follow the rows by themselves.
	if err := Songs.Delete(ctx, store, 4); err != nil {
		return err
	}
	n, err := SongByGenre.Count(ctx, store, models.Only("jazz"))
	fmt.Println("jazz that is left:", n)
	return err
}

func show(songs iter.Seq2[Song, error]) error {
	for song, err := range songs {
		if err != nil {
			return err
		}
		fmt.Printf("  %s, %d\n", song.Title, song.Year)
	}
	return nil
}
