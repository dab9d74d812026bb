package lobby

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/merge/mergetest"
)

var boards = mergetest.Models(func(b *Board) { b.Name = "entrance" })

func TestMergeBoards(t *testing.T) { mergetest.Check(t, mergeBoards, boards) }

// The generated codec writes and reads the types of package merge as the reflecting one does.
func TestCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := boards.Draw(t, "board")
		want, err := models.DagCBOR[Board]().Append(nil, &b)
		got, generated := BoardCodec{}.Append(nil, &b)
		if err != nil || generated != nil || !bytes.Equal(got, want) {
			t.Fatalf("generated %x, %v, and by reflection %x, %v", got, generated, want, err)
		}
		var read Board
		err = BoardCodec{}.Decode(got, &read)
		again, _ := BoardCodec{}.Append(nil, &read)
		if err != nil || !bytes.Equal(again, want) {
			t.Fatalf("%x is read as %x, %v", want, again, err)
		}
	})
}
