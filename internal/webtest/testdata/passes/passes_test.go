package passes

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/internal/webtest"
)

func TestPasses(t *testing.T) {
	where := "page"
	if webtest.InWorker() {
		where = "worker"
	}
	fmt.Println("it runs in a", where)
	time.Sleep(time.Millisecond)
}

func TestEnvironment(t *testing.T) { fmt.Println("the environment has", os.Getenv("NETABASE_WEBTEST")) }

// TestChild is run by TestChildren.
func TestChild(*testing.T) {
	if name := os.Getenv("NETABASE_CHILD"); name != "" {
		fmt.Println("I am", name)
		if name != "the first" {
			select {}
		}
	}
}

func TestChildren(t *testing.T) {
	for _, name := range []string{"the first", "the second"} {
		child, err := webtest.StartChild("TestChild", "NETABASE_CHILD="+name)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for line := range child.Lines {
			said = append(said, line)
			if name == "the second" && line == "I am the second" {
				break
			}
		}
		child.Kill()
		if text := strings.Join(said, "\n"); !strings.Contains(text, "I am "+name) || child.Err() != nil {
			t.Errorf("%s says %s, %v", name, text, child.Err())
		}
	}
}
