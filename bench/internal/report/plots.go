package report

import (
	"image/color"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"runcsync/bench/internal/sample"
)

// curve is a line of a plot.
type curve struct {
	subject string
	color   color.RGBA
	dashes  []vg.Length
}

var (
	blue   = color.RGBA{31, 119, 180, 255}
	orange = color.RGBA{255, 127, 14, 255}
	red    = color.RGBA{214, 39, 40, 255}
	grey   = color.RGBA{120, 120, 120, 255}
)

var curves = []curve{
	{upstreamRemove, red, nil},
	{"upstream kill, polled every 100 ms", orange, nil},
	{"upstream kill, polled every 10 ms", orange, []vg.Length{vg.Points(4), vg.Points(3)}},
	{remove, blue, []vg.Length{vg.Points(4), vg.Points(3)}},
	{kill, blue, nil},
	{floor, grey, nil},
}

// plot draws the report's plots into a directory.
func (r *report) plot(dir string) error {
	if err := r.latency(filepath.Join(dir, "latency.svg")); err != nil {
		return err
	}
	return r.distribution(filepath.Join(dir, "delete.svg"))
}

// newPlot has letters small enough to leave room, in whatever font a viewer puts in
// the place of gonum's.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(11), vg.Points(6)
	p.Legend.TextStyle.Font.Size, p.Legend.Left = vg.Points(9), true
	p.Add(plotter.NewGrid())
	return p
}

// latency is time against number of processes.
func (r *report) latency(file string) error {
	p := newPlot("Until a container's processes are gone (hybrid, host PID namespace)", "processes", "ms, median")
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top = true
	lowest, highest := math.Inf(1), 0.0
	for _, c := range curves {
		var points plotter.XYs
		for _, at := range sorted(r.cases("end")) {
			if s := r.of(at, c.subject); at.View == "hybrid" && at.PIDs == "host" && len(s) > 0 {
				points = append(points, plotter.XY{X: float64(at.N), Y: median(s)})
				lowest, highest = min(lowest, median(s)), max(highest, median(s))
			}
		}
		if len(points) == 0 {
			continue
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Width, line.Dashes = c.color, vg.Points(1.6), c.dashes
		marks.Color, marks.Shape, marks.Radius = c.color, draw.CircleGlyph{}, vg.Points(2.2)
		p.Add(line, marks)
		p.Legend.Add(c.subject, line)
	}
	p.Y.Min, p.Y.Max = lowest*0.7, highest*30 // room for the legend
	p.X.Max *= 2.5                            // and for the last number
	return p.Save(17*vg.Centimeter, 11*vg.Centimeter, file)
}

// distribution is the share of deletes that were done within a time.
func (r *report) distribution(file string) error {
	p := newPlot("delete --force of up to 100 processes, all layouts", "ms", "share done")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min, p.Y.Max = 0, 1
	p.Legend.XOffs = 6 * vg.Centimeter // between the curves
	for _, c := range []curve{{remove, blue, nil}, {"runc delete --force", blue, []vg.Length{vg.Points(4), vg.Points(3)}}, {upstreamRemove, red, nil}, {"Debian's runc delete --force", orange, nil}} {
		times := r.times(c.subject)
		if len(times) == 0 {
			continue
		}
		points := make(plotter.XYs, len(times))
		for i, t := range times {
			points[i] = plotter.XY{X: t, Y: float64(i+1) / float64(len(times))}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width, line.Dashes, line.StepStyle = c.color, vg.Points(1.6), c.dashes, plotter.PostStep
		p.Add(line)
		p.Legend.Add(c.subject, line)
	}
	return p.Save(17*vg.Centimeter, 9*vg.Centimeter, file)
}

// times are those of a subject with up to 100 processes, ascending.
func (r *report) times(subject string) []float64 {
	var times []float64
	for _, s := range r.file.Samples {
		if s.Suite == "end" && s.N <= 100 && s.Subject == subject && s.Status == 0 {
			times = append(times, milliseconds(sample.Sample{Ns: s.Ns}))
		}
	}
	slices.Sort(times)
	return times
}
