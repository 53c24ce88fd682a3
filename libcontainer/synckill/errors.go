package synckill

import "errors"

// asType is errors.As in one expression.
func asType[T error](err error) (found T, is bool) {
	is = errors.As(err, &found)
	return found, is
}
