package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

// part is something that is linked into the binary: a Go module, Go's standard
// library, or a C library.
type part struct {
	Name    string
	Version string
	Sum     string // of a module, as go.sum has it
	Texts   []text // licences and notices that come with it
}

// text is one file that speaks of rights.
type text struct {
	File    string
	Content string
}

// rights are the names of files that speak of rights.
var rights = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`)

// linked lists the parts of the binary: its modules by name, then the standard
// library, then C libraries.
func linked(root, binary string) ([]part, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	dirs, err := download(root, info.Deps)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, m := range info.Deps {
		p := part{Name: m.Path, Version: m.Version, Sum: m.Sum}
		if p.Texts, err = readTexts(dirs[m.Path]); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.Name, b.Name) })
	std, err := standardLibrary(info.GoVersion)
	if err != nil {
		return nil, err
	}
	libs, err := cLibraries(info)
	return append(append(parts, std), libs...), err
}

// download returns the directories of the modules in the module cache.
func download(root string, modules []*debug.Module) (map[string]string, error) {
	args := []string{"mod", "download", "-json"}
	for _, m := range modules {
		if m.Replace != nil {
			return nil, fmt.Errorf("%s is replaced; only published modules are known", m.Path)
		}
		args = append(args, m.Path+"@"+m.Version)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[m.Path] = m.Dir
	}
}

func readTexts(dir string) ([]text, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []text
	for _, e := range entries {
		if e.IsDir() || !rights.MatchString(e.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text{e.Name(), string(content)})
	}
	return texts, nil
}

// goLibrary is how the standard library is called here.
const goLibrary = "Go standard library"

func standardLibrary(version string) (part, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return part{}, err
	}
	texts, err := readTexts(strings.TrimSpace(string(out)))
	return part{Name: goLibrary, Version: strings.TrimPrefix(version, "go"), Texts: texts}, err
}

// cLibraries are those that a binary with cgo is linked with: libseccomp if it
// was built for it, and the C library. Debian keeps their licences.
func cLibraries(info *buildinfo.BuildInfo) ([]part, error) {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["CGO_ENABLED"] != "1" {
		return nil, nil
	}
	names := []string{"libc6"}
	if slices.Contains(strings.Split(settings["-tags"], ","), "seccomp") {
		names = append(names, "libseccomp2")
	}
	var libs []part
	for _, name := range names {
		out, err := exec.Command("dpkg-query", "-W", "-f", "${source:Package} ${source:Upstream-Version}", name).Output()
		if err != nil {
			return nil, fmt.Errorf("version of %s: %w", name, err)
		}
		var p part
		if _, err := fmt.Sscan(string(out), &p.Name, &p.Version); err != nil {
			return nil, fmt.Errorf("version of %s: %q: %w", name, out, err)
		}
		content, err := os.ReadFile(filepath.Join("/usr/share/doc", name, "copyright"))
		if err != nil {
			return nil, err
		}
		p.Texts = []text{{"copyright", string(content)}}
		libs = append(libs, p)
	}
	return libs, nil
}
