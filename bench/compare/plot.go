package main

import (
	"cmp"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgsvg" // draws .svg files
)

// plotAll draws two charts for each engine in the results: ENGINE.svg with all
// contenders, and ENGINE-blocks.svg with the typed tree on each size of block.
func plotAll(dir string, results []result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range engineNames {
		var own []result
		for _, r := range results {
			if r.Engine == name {
				own = append(own, r)
			}
		}
		if len(own) == 0 {
			continue
		}
		if err := plotContenders(filepath.Join(dir, name+".svg"), name, own); err != nil {
			return err
		}
		if err := plotBlocks(filepath.Join(dir, name+"-blocks.svg"), name, own); err != nil {
			return err
		}
	}
	return nil
}

// plotContenders draws a line for each case, with a mark for each contender on mainRows.
func plotContenders(path, engine string, results []result) error {
	p := plot.New()
	p.Title.Text = "Time per row on " + engine + ", as a multiple of the same work by hand"
	p.X.Label.Text = "1 is the work by hand; less is faster"
	logarithmic(&p.X)
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = false, false, vg.Points(3)

	var names, contenders []string
	marks := map[string]plotter.XYs{}
	for i, name := range allCases {
		sizes := sizesOf(results, name)
		if len(sizes) == 0 {
			continue
		}
		rows := mainRows(sizes)
		height := float64(len(allCases) - 1 - i)
		names = append(names, fmt.Sprintf("%s, %d rows", name, rows))
		for _, r := range results {
			if r.Case != name || r.Rows != rows || r.Contender == rawName {
				continue
			}
			if !slices.Contains(contenders, r.Contender) {
				contenders = append(contenders, r.Contender)
			}
			marks[r.Contender] = append(marks[r.Contender], plotter.XY{X: r.RatioToRaw, Y: height})
		}
	}
	slices.Reverse(names)
	p.NominalY(names...)
	p.Add(plotter.NewGrid(), upright(1, -0.5, float64(len(names))-0.5))
	for i, name := range contenders {
		points, err := plotter.NewScatter(marks[name])
		if err != nil {
			return err
		}
		points.GlyphStyle = draw.GlyphStyle{
			Color: plotutil.Color(i), Shape: shapes[i%len(shapes)], Radius: vg.Points(4),
		}
		p.Add(points)
		p.Legend.Add(name, points)
	}
	p.X.Min, p.X.Max = min(p.X.Min, 0.8), p.X.Max*1.3 // the legend is at the right
	return p.Save(9*vg.Inch, vg.Length(len(names))*0.32*vg.Inch+1.2*vg.Inch, path)
}

// plotBlocks draws a curve for each case over the numbers of rows.
func plotBlocks(path, engine string, results []result) error {
	p := plot.New()
	p.Title.Text = "Typed trees on " + engine + " by size of block"
	p.X.Label.Text, p.Y.Label.Text = "rows in a block", "time, as a multiple of the same work by hand"
	logarithmic(&p.X)
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	curves := 0
	for _, name := range allCases {
		var curve plotter.XYs
		for _, r := range results {
			if r.Case == name && r.Contender == typedName {
				curve = append(curve, plotter.XY{X: float64(r.Rows), Y: r.RatioToRaw})
			}
		}
		if len(curve) == 0 || bounds[name] == 0 {
			continue
		}
		slices.SortFunc(curve, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		line, points, err := plotter.NewLinePoints(curve)
		if err != nil {
			return err
		}
		line.Color, points.Color = plotutil.Color(curves), plotutil.Color(curves)
		points.Shape = shapes[curves%len(shapes)]
		p.Add(line, points)
		p.Legend.Add(name, line, points)
		curves++
	}
	p.X.Max *= 2 // the legend is at the right
	p.Y.Min, p.Y.Max = min(p.Y.Min, 0.9), max(p.Y.Max, 1.5)
	return p.Save(9*vg.Inch, 4.5*vg.Inch, path)
}

var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{},
	draw.BoxGlyph{},
	draw.PyramidGlyph{},
	draw.CrossGlyph{},
	draw.RingGlyph{},
	draw.SquareGlyph{},
	draw.TriangleGlyph{},
	draw.PlusGlyph{},
}

// upright is a vertical line at x.
func upright(x, from, to float64) *plotter.Line {
	line, err := plotter.NewLine(plotter.XYs{{X: x, Y: from}, {X: x, Y: to}})
	if err != nil {
		panic(err) // two finite points make no error
	}
	line.Color = color.Gray{Y: 96}
	return line
}

// logarithmic gives an axis ticks at 1, 2 and 5 of each power of ten.
func logarithmic(axis *plot.Axis) {
	axis.Scale = plot.LogScale{}
	axis.Tick.Marker = plot.TickerFunc(func(from, to float64) (ticks []plot.Tick) {
		for power := 0.01; power <= to; power *= 10 {
			for _, digit := range []float64{1, 2, 5} {
				if at := power * digit; at >= from*0.999 && at <= to*1.001 {
					ticks = append(ticks, plot.Tick{Value: at, Label: strconv.FormatFloat(at, 'f', -1, 64)})
				}
			}
		}
		return ticks
	})
}
