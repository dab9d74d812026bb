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
	// the other peer's hotel.room is newer
	// older: {Number:1 Clock:1 City:Lagos}
	// older: {Number:2 Clock:1 City:Lagos}
	// newer: {Number:1 Clock:1 City:Lagos Beds:1}
	// newer: {Number:2 Clock:1 City:Lagos Beds:3}
	// newer: {Number:2 Clock:2 City:Abuja Beds:3}
}
