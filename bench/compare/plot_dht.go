package main

import (
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/newsnet-africa/netabase-go/bench/internal/backend"
)

// plotDHT draws the time of each case as a multiple of netabase's time on Badger.
func plotDHT(path string, results []dhtResult) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	find := func(name, contender string) (float64, bool) {
		i := slices.IndexFunc(results, func(r dhtResult) bool { return r.Case == name && r.Contender == contender })
		if i < 0 {
			return 0, false
		}
		value, _ := results[i].figure()
		return value, value > 0
	}
	p := plot.New()
	p.Title.Text = "A DHT's datastores, as a multiple of netabase on Badger"
	p.X.Label.Text = "1 is netabase on Badger; less is faster, or smaller"
	logarithmic(&p.X)
	p.NominalY(dhtCases...)
	for i, b := range backend.Backends {
		var points plotter.XYs
		for y, name := range dhtCases {
			yardstick, ok := find(name, backend.Backends[0].Name)
			value, found := find(name, b.Name)
			if ok && found {
				points = append(points, plotter.XY{X: value / yardstick, Y: float64(y)})
			}
		}
		marks, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		marks.GlyphStyle.Color, marks.GlyphStyle.Shape = plotutil.Color(i), plotutil.Shape(i)
		marks.GlyphStyle.Radius = vg.Points(4)
		p.Add(marks)
		p.Legend.Add(b.Name, marks)
	}
	p.Legend.Top = true
	return p.Save(8*vg.Inch, 5*vg.Inch, path)
}
