// Command basic is the quick start of the README: two typed trees with an
// index each, in a Badger database.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/badger"
	"github.com/newsnet-africa/netabase-go/models"
)

// User is a model, a plain struct. Its exported fields are stored.
type User struct {
	ID       uint64
	Username string
	Email    string
}

type Post struct {
	ID       uint64
	Title    string
	AuthorID uint64
}

// A tree keeps rows by their primary key; an index finds them by another key.
var (
	Users       = models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID })
	UserByEmail = models.NewUnique(Users, "email", models.String, func(u *User) string { return u.Email })

	Posts        = models.NewTree("post", models.Uint64, func(p *Post) uint64 { return p.ID })
	PostByAuthor = models.NewIndex(Posts, "author", models.Uint64, func(p *Post) uint64 { return p.AuthorID })

	Blog = models.NewDefinition("blog", Users, Posts)
)

func main() {
	if err := run(context.Background(), "my_db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string) (err error) {
	store, err := datastore.Open(ctx, badger.Engine(dir), Blog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	// Given the store, a call is a durable transaction of its own.
	err = Users.Put(ctx, store, &User{ID: 1, Username: "alice", Email: "alice@example.com"})
	if err != nil {
		return err
	}

	// Update makes several calls one transaction: all of it is written, or nothing.
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		if err := Posts.Put(ctx, tx, &Post{ID: 100, Title: "Hello", AuthorID: 1}); err != nil {
			return err
		}
		return Posts.Put(ctx, tx, &Post{ID: 101, Title: "Hello again", AuthorID: 1})
	})
	if err != nil {
		return err
	}

	alice, err := UserByEmail.Get(ctx, store, "alice@example.com")
	if err != nil {
		return err
	}
	for post, err := range PostByAuthor.Find(ctx, store, alice.ID) {
		if err != nil {
			return err
		}
		fmt.Printf("%s wrote %q\n", alice.Username, post.Title)
	}
	return nil
}
