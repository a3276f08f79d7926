package eventbridge

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/localcloud/store"
)

// problems are the constraints of AWS's model that a request does not keep, in AWS's words.
type problems []string

func (p *problems) add(member, value, constraint string) {
	if value != "" {
		value = "'" + value + "' "
	}
	*p = append(*p, "Value "+value+"at '"+member+"' failed to satisfy constraint: Member must "+constraint)
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	errors := "errors"
	if len(p) == 1 {
		errors = "error"
	}
	return invalid("%d validation %s detected: %s", len(p), errors, strings.Join(p, "; "))
}

// text checks a member's length and form; no form stands for any.
func (p *problems) text(member, value string, shortest, longest int, form *regexp.Regexp) {
	switch n := utf8.RuneCountInString(value); {
	case n < shortest:
		p.add(member, value, fmt.Sprintf("have length greater than or equal to %d", shortest))
	case n > longest:
		p.add(member, value, fmt.Sprintf("have length less than or equal to %d", longest))
	}
	if form != nil && !form.MatchString(value) {
		p.add(member, value, "satisfy regular expression pattern: "+strings.TrimSuffix(strings.TrimPrefix(form.String(), "^"), "$"))
	}
}

func (p *problems) number(member string, n *int, smallest, largest int) {
	switch {
	case n == nil:
	case *n < smallest:
		p.add(member, fmt.Sprint(*n), fmt.Sprintf("have value greater than or equal to %d", smallest))
	case *n > largest:
		p.add(member, fmt.Sprint(*n), fmt.Sprintf("have value less than or equal to %d", largest))
	}
}

func (p *problems) oneOf(member, value string, values ...string) {
	if !slices.Contains(values, value) {
		p.add(member, value, "satisfy enum value set: ["+strings.Join(values, ", ")+"]")
	}
}

func (p *problems) tags(tags []Tag) {
	for i, t := range tags {
		p.text(fmt.Sprintf("tags.%d.member.key", i+1), t.Key, 1, 128, nil)
		p.text(fmt.Sprintf("tags.%d.member.value", i+1), t.Value, 0, 256, nil)
	}
}

var (
	nameForm    = regexp.MustCompile(`^[\.\-_A-Za-z0-9]+$`)
	busForm     = regexp.MustCompile(`^[/\.\-_A-Za-z0-9]+$`)
	targetIDs   = nameForm
	roleForm    = regexp.MustCompile(`^arn:aws(-[a-z]+)?:iam::\d{12}:role/[\w+=,.@/-]+$`)
	queueForm   = regexp.MustCompile(`^arn:aws(-[a-z]+)?:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+$`)
	accountForm = regexp.MustCompile(`^(\d{12}|\*)$`)
	sidForm     = regexp.MustCompile(`^[a-zA-Z0-9-_]+$`)
)

const mostPages = 100 // entries of a page, by default too

// pager takes the entries of a page, in the order of their keys.
type pager struct {
	after, last, next string
	size, taken       int
}

func newPager(limit *int, token string) (*pager, error) {
	p := &pager{size: mostPages}
	var bad problems
	if bad.number("limit", limit, 1, mostPages); len(bad) > 0 {
		return nil, bad.err()
	}
	if limit != nil {
		p.size = *limit
	}
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, invalid("NextToken is not valid.")
	}
	p.after = string(after)
	return p, nil
}

// listed returns a page of a table's records as the API shows them.
func listed[R, V any](t *store.Table[R], limit *int, token string, match func(R) bool, view func(R) V) (all []V, next string, err error) {
	page, err := newPager(limit, token)
	if err != nil {
		return nil, "", err
	}
	all = []V{}
	for key, r := range t.All() {
		if !match(r) {
			continue
		}
		wanted, done := page.take(key)
		if done {
			break
		}
		if wanted {
			all = append(all, view(r))
		}
	}
	return all, page.next, nil
}

// take says whether the entry of a key belongs to the page; done, that the page is full.
func (p *pager) take(key string) (wanted, done bool) {
	if p.after != "" && key <= p.after {
		return false, false
	}
	if p.taken == p.size {
		p.next = base64.RawURLEncoding.EncodeToString([]byte(p.last))
		return false, true
	}
	p.taken++
	p.last = key
	return true, false
}
