package dagcbor_test

import (
	"fmt"

	"github.com/newsnet-africa/netabase-go/models/dagcbor"
)

// A value is appended to bytes, and read back from the whole of them.
func Example() {
	src := dagcbor.AppendUint(nil, 700)
	fmt.Printf("%x\n", src)

	r := dagcbor.NewReader(src)
	n := r.Uint(64)
	fmt.Println(n, r.End("a number"))
	// Output:
	// 1902bc
	// 700 <nil>
}
