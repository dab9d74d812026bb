package datastore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type User struct {
	ID    uint64
	Name  string
	Email string
	Tags  []string
}

var (
	Users   = models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID })
	ByName  = models.NewIndex(Users, "name", models.String, func(u *User) string { return u.Name })
	ByEmail = models.NewUnique(Users, "email", models.String, func(u *User) string { return u.Email })
	ByTag   = models.NewMulti(Users, "tag", models.String, func(u *User) []string { return u.Tags })
	Blog    = models.NewDefinition("blog", Users)
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	eng := memory.Engine()
	store, err := datastore.Open(ctx, eng, Blog)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(100) {
		u := User{ID: i, Name: string(rune('a' + i%3)), Email: string(rune('A'+i)) + "@x", Tags: []string{"t", "t", string(rune('k' + i%2))}}
		if err := Users.Put(ctx, store, &u); err != nil {
			t.Fatal(err)
		}
	}
	u, err := Users.Get(ctx, store, 7)
	if err != nil || u.ID != 7 {
		t.Fatal(u, err)
	}
	n := 0
	for u, err := range ByName.Find(ctx, store, "b") {
		if err != nil || u.Name != "b" {
			t.Fatal(u, err)
		}
		n++
	}
	if n != 33 {
		t.Fatal(n)
	}
	err = Users.Put(ctx, store, &User{ID: 1000, Email: u.Email})
	if !errors.Is(err, models.ErrUnique) {
		t.Fatal(err)
	}
	t.Log(err)
	for k, err := range Users.Keys(ctx, store, models.From(uint64(10)).Before(50).Reverse().Offset(2).Limit(3)) {
		t.Log(k, err)
	}
	c, err := ByTag.Count(ctx, store, models.Only("k"))
	if c != 50 || err != nil {
		t.Fatal(c, err)
	}
	_, err = Users.Get(ctx, store, 4000)
	t.Log(err)
}
