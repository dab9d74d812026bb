package article

import "github.com/newsnet-africa/netabase-go/models"

// Trees is a tree of articles, its index and the definition that holds it.
type Trees struct {
	Articles   *models.Tree[Article, uint64]
	ByAuthor   *models.Index[Article, uint64, uint64]
	Definition *models.Definition
	// Codec is the codec of the tree. All codecs write the same bytes.
	Codec models.Codec[Article]
}

// Generated has the declarations that modelgen wrote for the model.
var Generated = Trees{Articles, ArticleByAuthor, Bench, ArticleCodec{}}

// Reflected is declared by hand, with the codec that finds the model's fields by reflection.
var Reflected = reflected(models.DagCBOR[Article]())

func reflected(codec models.Codec[Article]) Trees {
	articles := models.NewTree("article", models.Uint64, func(a *Article) uint64 { return a.ID },
		models.WithCodec(codec))
	byAuthor := models.NewIndex(articles, "author_id", models.Uint64, func(a *Article) uint64 { return a.AuthorID })
	return Trees{articles, byAuthor, models.NewDefinition("bench", articles), codec}
}
