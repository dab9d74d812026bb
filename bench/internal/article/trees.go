package article

import "github.com/newsnet-africa/netabase-go/models"

// Trees is the tree of articles with one codec, its index and the definition
// that holds it. Values of every codec here are the same bytes.
type Trees struct {
	Articles   *models.Tree[Article, uint64]
	ByAuthor   *models.Index[Article, uint64, uint64]
	Definition *models.Definition
}

// NewTrees declares the trees for one codec.
func NewTrees(codec models.Codec[Article]) Trees {
	articles := models.NewTree("article", models.Uint64, func(a *Article) uint64 { return a.ID }, models.WithCodec(codec))
	byAuthor := models.NewIndex(articles, "author_id", models.Uint64, func(a *Article) uint64 { return a.AuthorID })
	return Trees{articles, byAuthor, models.NewDefinition("bench", articles)}
}

// Reflected is the codec that finds the model's fields by reflection.
var Reflected = models.DagCBOR[Article]()
