// Atomicity writes to several trees in one transaction. All of it is stored or nothing, if the
// function returns an error, panics, or ignores the error of a call.
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

type Account struct {
	Owner   string
	Balance int64
}

type Transfer struct {
	ID       uint64
	From, To string
	Amount   int64
}

var (
	Accounts  = models.NewTree("account", models.String, func(a *Account) string { return a.Owner })
	Transfers = models.NewTree("transfer", models.Uint64, func(t *Transfer) uint64 { return t.ID })

	Bank = models.NewDefinition("bank", Accounts, Transfers)
)

var errNoFunds = errors.New("not enough money")

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	store, err := datastore.Open(ctx, memory.Engine(), Bank)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := Accounts.PutMany(ctx, store, []Account{{"ama", 100}, {"kofi", 20}}); err != nil {
		return err
	}

	fmt.Println("30:", transfer(ctx, store, Transfer{1, "ama", "kofi", 30}))
	fmt.Println("500:", transfer(ctx, store, Transfer{2, "ama", "kofi", 500}))
	fmt.Println("to nobody:", transfer(ctx, store, Transfer{3, "ama", "abena", 10}))
	fmt.Println("again:", transfer(ctx, store, Transfer{1, "ama", "kofi", 30}))

	for a, err := range Accounts.All(ctx, store) {
		if err != nil {
			return err
		}
		fmt.Println(a.Owner, a.Balance)
	}
	n, err := Transfers.Count(ctx, store, models.Range[uint64]{})
	fmt.Println("transfers:", n)
	return err
}

func transfer(ctx context.Context, store *datastore.Store, t Transfer) error {
	return store.Update(ctx, func(ctx context.Context, tx *datastore.WriteTx) error {
		// The transaction takes back the first write if a later one fails.
		if err := Transfers.Insert(ctx, tx, &t); err != nil {
			return err
		}
		err := Accounts.Modify(ctx, tx, t.From, func(a *Account) error {
			if a.Balance < t.Amount {
				return errNoFunds
			}
			a.Balance -= t.Amount
			return nil
		})
		if err != nil {
			return err
		}
		return Accounts.Modify(ctx, tx, t.To, func(a *Account) error {
			a.Balance += t.Amount
			return nil
		})
	})
}
