package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// decode reads the first JSON value of data into v, as upstream does; what
// follows it is ignored. An error names the file and the place in it.
func decode(file string, data []byte, v any) error {
	err := json.NewDecoder(bytes.NewReader(data)).Decode(v)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%s: %w at %s", file, err, placeOf(data, syntax.Offset))
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := kind.Field
		if field == "" {
			field = "the whole document"
		}
		return fmt.Errorf("%s: %s: JSON %s where %s is wanted, at %s", file, field, kind.Value, kind.Type, placeOf(data, kind.Offset))
	}
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: the file is empty", file)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the file ends within a value, at %s", file, placeOf(data, int64(len(data))))
	}
	return fmt.Errorf("%s: %w", file, err)
}

// placeOf describes the byte before offset, where encoding/json stopped.
func placeOf(data []byte, offset int64) string {
	offset = min(max(offset, 0), int64(len(data)))
	before := data[:offset]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := len(before) - 1 - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("line %d, column %d (byte %d)", line, column, offset)
}
