package passes

import (
	"fmt"
	"syscall/js"
	"testing"
	"time"
)

func TestPasses(t *testing.T) {
	where := "page"
	if js.Global().Get("document").IsUndefined() {
		where = "worker"
	}
	fmt.Println("it runs in a", where)
	time.Sleep(time.Millisecond)
}
