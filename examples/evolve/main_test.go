package main

import (
	"context"
	"fmt"
)

func Example() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// second release: {ID:1 Name:Ada Obi City:Aba Country:ZA}
	// third release: {ID:1 First:Ada Last:Obi City:Aba Country:ZA}
	// rows rewritten: 2
	// refused: phone.contact: City is missing in the definition; if it was renamed, tag the field `netabase:"was=City"`; if its values are no longer needed, give it up with models.WithGivenUp("City"); or convert the rows by a function with models.WithEarlier
	// fourth release: {ID:2 First:Ben Last:Kamau Country:KE}
	// fifth release: {ID:2 First:Ben Last:Kamau Country:KE}
	// fifth release: {ID:1 First:Ada Last:Obi Country:ZA}
	// by the last name: 1
}
