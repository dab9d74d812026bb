// Definitions keeps the trees of two parts of a program in one store. Both parts use one model.
// The program also opens the store with one part alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/models"
)

type User struct {
	Name  string
	Email string
}

// userTree declares a tree of users. A definition needs one of its own: two
// definitions may have trees of the same name, and they stay apart.
func userTree() *models.Tree[User, string] {
	return models.NewTree("user", models.String, func(u *User) string { return u.Name })
}

var (
	ShopUsers = userTree()
	Shop      = models.NewDefinition("shop", ShopUsers)

	ForumUsers       = userTree()
	ForumUserByEmail = models.NewUnique(ForumUsers, "email", models.String, func(u *User) string { return u.Email })
	Forum            = models.NewDefinition("forum", ForumUsers)
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	eng := memory.Engine()
	store, err := datastore.Open(ctx, eng, Shop, Forum)
	if err != nil {
		return err
	}
	defer store.Close()

	// One transaction can write to both.
	err = store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		if err := ShopUsers.Put(ctx, tx, &User{"zola", "zola@shop.example"}); err != nil {
			return err
		}
		return ForumUsers.Put(ctx, tx, &User{"zola", "zola@forum.example"})
	})
	if err != nil {
		return err
	}
	for _, users := range []*models.Tree[User, string]{ShopUsers, ForumUsers} {
		zola, err := users.Get(ctx, store, "zola")
		if err != nil {
			return err
		}
		fmt.Println(users.Name(), zola.Email)
	}

	// The shop's part of the program does not know of the forum.
	if err := store.Close(); err != nil {
		return err
	}
	if store, err = datastore.Open(ctx, eng, Shop); err != nil {
		return err
	}
	defer store.Close()
	_, err = ForumUsers.Get(ctx, store, "zola")
	fmt.Println("forum:", errors.Is(err, models.ErrUnknownTree))
	n, err := ShopUsers.Count(ctx, store, models.Range[string]{})
	fmt.Println("shop:", n)
	return err
}
