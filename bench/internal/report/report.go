// Package report makes tables and plots of the samples.
package report

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"

	"runcsync/bench/internal/sample"
)

// Command is "bench report".
func Command(args []string) error {
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	data := f.String("data", "results.jsonl", "read the samples of `FILE`")
	out := f.String("o", "", "write the report to `FILE` and its plots beside it; without it the tables are printed")
	notes := f.String("notes", "", "put the text of `FILE` at the end of the report")
	if err := f.Parse(args); err != nil {
		return err
	}
	file, err := sample.Load(*data)
	if err != nil {
		return err
	}
	if len(file.Samples) == 0 {
		return fmt.Errorf("%s has no samples", *data)
	}
	r := &report{file: file, plots: *out != ""}
	text := r.text()
	if *notes != "" {
		more, err := os.ReadFile(*notes)
		if err != nil {
			return err
		}
		text += "\n" + string(more)
	}
	if *out == "" {
		_, err := fmt.Print(text)
		return err
	}
	if err := r.plot(filepath.Dir(*out)); err != nil {
		return err
	}
	return os.WriteFile(*out, []byte(text), 0o644)
}

// report is one in the making.
type report struct {
	file  *sample.File
	plots bool
	b     strings.Builder
}

func (r *report) printf(format string, args ...any) { fmt.Fprintf(&r.b, format, args...) }

// of are the samples of a subject in a case.
func (r *report) of(c sample.Case, subject string) []sample.Sample {
	var s []sample.Sample
	for _, one := range r.file.Samples {
		if one.Case == c && one.Subject == subject {
			s = append(s, one)
		}
	}
	return s
}

// cases lists the cases of a suite as they were first measured.
func (r *report) cases(suite string) []sample.Case {
	var cs []sample.Case
	seen := map[sample.Case]bool{}
	for _, s := range r.file.Samples {
		if s.Suite == suite && !seen[s.Case] {
			seen[s.Case] = true
			cs = append(cs, s.Case)
		}
	}
	return cs
}

// subjects lists those of a case in the same way.
func (r *report) subjects(c sample.Case) []string {
	var names []string
	for _, s := range r.file.Samples {
		if s.Case == c && !slices.Contains(names, s.Subject) {
			names = append(names, s.Subject)
		}
	}
	return names
}

func milliseconds(s sample.Sample) float64 { return float64(s.Ns) / 1e6 }

func cpuMilliseconds(s sample.Sample) float64 { return float64(s.UserUs+s.SysUs) / 1e3 }

// summary is the median of what of makes of the samples, with its confidence
// interval.
func summary(samples []sample.Sample, of func(sample.Sample) float64) benchmath.Summary {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	if len(values) == 0 {
		return benchmath.Summary{}
	}
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), confidence)
}

const confidence = 0.95

// spread is a median in milliseconds with the quartiles around it.
func spread(samples []sample.Sample, of func(sample.Sample) float64) string {
	if len(samples) == 0 {
		return ""
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(q*float64(len(values)-1)+0.5)] }
	return fmt.Sprintf("%s (%s-%s)", number(summary(samples, of).Center), number(at(0.25)), number(at(0.75)))
}

// number prints three digits.
func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func median(samples []sample.Sample) float64 { return summary(samples, milliseconds).Center }

// paired is the ratio of the medians of ours to theirs, and the interval of the
// median of the ratios, round by round.
func paired(ours, theirs []sample.Sample) (ratio float64, interval benchmath.Summary) {
	n := min(len(ours), len(theirs))
	ratios := make([]sample.Sample, 0, n)
	for i := range n {
		ratios = append(ratios, sample.Sample{Ns: 1_000_000_000 * ours[i].Ns / max(theirs[i].Ns, 1)})
	}
	return median(ours) / median(theirs), summary(ratios, func(s sample.Sample) float64 { return float64(s.Ns) / 1e9 })
}

// most is the largest of what of makes of the samples.
func most(samples []sample.Sample, of func(sample.Sample) int64) int64 {
	var m int64
	for _, s := range samples {
		m = max(m, of(s))
	}
	return m
}

// sorted orders cases by layout, PID namespace and size.
func sorted(cs []sample.Case) []sample.Case {
	slices.SortFunc(cs, func(a, b sample.Case) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.PIDs, b.PIDs), cmp.Compare(a.N, b.N))
	})
	return cs
}
