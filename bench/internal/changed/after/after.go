// Package after has the model of package before as the next release has it.
package after

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// Post is before.Post with one more field.
//
//netabase:definition forum Forum
type Post struct {
	ID       uint64 `netabase:"primary" bstore:"noauto"`
	Title    string
	Content  string
	AuthorID uint64 `netabase:"index" bstore:"index"`
	Votes    uint32 `netabase:"index" bstore:"index"`
	Language string `netabase:"default=en"`
}
