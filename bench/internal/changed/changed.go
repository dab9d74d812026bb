// Package changed has the model of the measurements as the next release of a program has it.
package changed

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// Article is article.Article with one more field.
//
//netabase:definition bench Bench
type Article struct {
	ID       uint64 `netabase:"primary" bstore:"noauto"`
	Title    string
	Content  string
	AuthorID uint64 `netabase:"index" bstore:"index"`
	Language string `netabase:"default=en"`
}
