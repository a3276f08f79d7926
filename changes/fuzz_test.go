package changes_test

import (
	"errors"
	"testing"

	"github.com/carepath/carepath/changes"
	"github.com/google/go-cmp/cmp"
)

// FuzzDecode holds to it that what is read can be written and read again, follows the schema, and that what is not says why.
func FuzzDecode(f *testing.F) {
	valid := validate(f)
	detail := encode(f, change())
	for _, seed := range []string{string(detail), string(event(detail)), messageBody, `{"detail":{}}`, `{}`, `[`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := changes.Decode(data)
		if err != nil {
			var e *changes.Error
			if !errors.As(err, &e) || e.Problem == "" {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		detail, err := c.Append(nil)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if err := valid(detail); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		again, err := changes.Decode(detail)
		if err != nil {
			t.Fatalf("%s: %v", detail, err)
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
