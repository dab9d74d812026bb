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
	// import into weather.reading: row 7001 of the input: strconv.ParseFloat: parsing "warm 30.0": invalid syntax
	// 7000 rows are stored, 7000 of them durable
	// 10000 rows are stored, 3400 of Kano
}
