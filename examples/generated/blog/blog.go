// Package blog declares two models by tags. Its trees, indexes and codecs are
// generated into blog_netabase.go.
package blog

import "time"

//go:generate go run github.com/newsnet-africa/netabase-go/models/modelgen

// User is a person who writes.
type User struct {
	ID       uint64 `netabase:"primary"`
	Username string
	Email    string `netabase:"unique"`
}

// Post is a text by a user.
type Post struct {
	ID       uint64    `netabase:"primary"`
	AuthorID uint64    `netabase:"index; index=author_time,1"`
	Created  time.Time `netabase:"index=author_time,2; multi=tag_time,2"`
	Title    string
	Content  string
	Tags     []string `netabase:"multi=tag; multi=tag_time,1"`
}
