package main

import (
	"strings"
	"testing"
	"time"

	"github.com/newsnet-africa/netabase-go/kubo/internal/ipfs"
)

// TestTable has rounds whose medians and ratios are known.
func TestTable(t *testing.T) {
	found := results{}
	layouts := []ipfs.Layout{rival, {Name: "ours"}}
	for i, l := range layouts {
		for _, step := range append(steps, sizes...) {
			for _, n := range []int64{9, 1, 2} { // the median is 2
				n *= int64(1 + i)
				found[cell{step, l.Name}] = append(found[cell{step, l.Name}], ipfs.Usage{
					Time: time.Duration(n) * time.Second, CPU: time.Duration(100*n) * time.Second,
					RSS: n << 20, Written: n << 30,
				})
			}
		}
	}
	var b strings.Builder
	found.print(&b, layouts)
	for _, want := range []string{
		"| add | pebbleds | 2 | 200 | 2 | 2048 |\n",
		"| add | ours | 4 (2.00) | 400 (2.00) | 4 (2.00) | 4096 (2.00) |\n",
		"| after repo gc | 2048 | 4096 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &b)
		}
	}
}
