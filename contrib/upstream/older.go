package main

import (
	"regexp"
	"strconv"
)

// A release of upstream's may be for an older Go than 1.26, whose linters want
// errors.AsType in place of errors.As. Below that it is a function of the package.

const asType = `package %s

import "errors"

// asType finds the first error of a type in a tree of errors.
func asType[E error](err error) (E, bool) {
	var found E
	return found, errors.As(err, &found)
}
`

var errorsAsType = regexp.MustCompile(`\berrors\.AsType\[`)

// older is the text of a Go file for a Go that has no errors.AsType. It tells
// whether it is in need of the function that takes its place.
func older(name, text string) (string, bool, error) {
	if !errorsAsType.MatchString(text) {
		return text, false, nil
	}
	out, err := tidyGo(name, text, errorsAsType.ReplaceAllString(text, "asType["), nil)
	return out, true, err
}

var goLine = regexp.MustCompile(`(?m)^go 1\.(\d+)`)

// goMinor is the minor version of Go that a go.mod asks for; 0 if it says none.
func goMinor(module string) int {
	m := goLine.FindStringSubmatch(module)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}
