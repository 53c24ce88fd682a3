package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// compatible are the licences, by SPDX name, of what may be linked into a
// program under Apache-2.0. Those of the last two lines ask that whoever gets
// the binary can get the source of that part as well; for the LGPL it also has
// to be possible to link with another version of it, which this project's
// source allows.
var compatible = []string{
	"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC",
	"MPL-2.0",
	"LGPL-2.1", "LGPL-2.1-only", "LGPL-2.1-or-later",
}

// libraryLicences are those of the C libraries, whose Debian copyright files
// cover sources and programs that are not linked in.
var libraryLicences = map[string]string{
	"glibc":      "LGPL-2.1-or-later",
	"libseccomp": "LGPL-2.1-only",
}

// licences are the SPDX names of a part's licences; none if its texts are not
// those of licences.
func (p part) licences() []string {
	if known, ok := libraryLicences[p.Name]; ok {
		return []string{known}
	}
	var ids []string
	for _, t := range p.Texts {
		// A grant beside the licence, which takes nothing away.
		if strings.HasPrefix(strings.ToUpper(t.File), "PATENTS") {
			continue
		}
		found := licensecheck.Scan([]byte(t.Content))
		// A licence, rather than a text which mentions one.
		if found.Percent < 75 {
			continue
		}
		for _, m := range found.Match {
			if !slices.Contains(ids, m.ID) {
				ids = append(ids, m.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// expression joins the licences: all of them hold, each for some files.
func (p part) expression() string {
	if ids := p.licences(); len(ids) > 0 {
		return strings.Join(ids, " AND ")
	}
	return "unknown"
}

// objection says what speaks against linking the part in; "" if nothing does.
func (p part) objection() string {
	ids := p.licences()
	if len(ids) == 0 {
		return fmt.Sprintf("%s: no licence was recognized", p.Name)
	}
	for _, id := range ids {
		if !slices.Contains(compatible, id) {
			return fmt.Sprintf("%s: licence %s is not one of those known to be compatible with Apache-2.0", p.Name, id)
		}
	}
	return ""
}

var copyrightLine = regexp.MustCompile(`(?im)^\s*(copyright .*\d{4}.*)$`)

// attributions are the copyright lines of the part's NOTICE, which a program
// under Apache-2.0 has to carry on.
func (p part) attributions() []string {
	var lines []string
	for _, t := range p.Texts {
		if !strings.HasPrefix(strings.ToUpper(t.File), "NOTICE") {
			continue
		}
		for _, m := range copyrightLine.FindAllStringSubmatch(t.Content, -1) {
			lines = append(lines, strings.TrimSpace(m[1]))
		}
	}
	return lines
}

// writeLicences writes the texts that have to go along with the binary.
func writeLicences(out io.Writer, parts []part) error {
	fmt.Fprint(out, `What is linked into this binary, and the licences and notices that come with it.
The program itself is under the Apache License 2.0, see LICENSE and NOTICE.
The source of each Go module is served by the Go module proxy at the version
named here; those of the C libraries are Debian's source packages of that name.
`)
	for _, p := range parts {
		fmt.Fprintf(out, "\n%s\n%s %s (%s)\n", strings.Repeat("=", 78), p.Name, p.Version, p.expression())
		for _, t := range p.Texts {
			if _, err := fmt.Fprintf(out, "\n---- %s\n\n%s\n", t.File, strings.TrimSpace(t.Content)); err != nil {
				return err
			}
		}
	}
	return nil
}
