package cognitoidp

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// filter is a parsed filter of ListUsers.
type filter struct {
	attribute string
	prefix    bool // ^=
	value     string
}

// searchable are the attributes by which users can be found; true: without regard to case.
// https://docs.aws.amazon.com/cognito/latest/developerguide/how-to-manage-user-accounts.html#cognito-user-pools-searching-for-users-using-listusers-api
var searchable = map[string]bool{
	"username": false, "email": false, "phone_number": false, "name": false, "given_name": false, "family_name": false,
	"preferred_username": false, "cognito:user_status": true, "status": false, "sub": false,
}

// parseFilter reads attribute = "value" or attribute ^= "value", with quotes and backslashes in the value escaped by a
// backslash. No text is no filter.
func parseFilter(text string) (*filter, error) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return nil, nil
	}
	wrong := invalid("Error while parsing filter: write attribute = \"value\" or attribute ^= \"value\"")
	i := strings.IndexAny(rest, "=^")
	if i < 0 {
		return nil, wrong
	}
	f := &filter{attribute: strings.Trim(strings.TrimSpace(rest[:i]), `"`)}
	rest, f.prefix = strings.CutPrefix(rest[i:], "^")
	rest, equals := strings.CutPrefix(rest, "=")
	rest = strings.TrimSpace(rest)
	if !equals || len(rest) < 2 || rest[0] != '"' {
		return nil, wrong
	}
	var value strings.Builder
	closed := false
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			i++
			value.WriteByte(rest[i])
		case c == '"':
			closed = i == len(rest)-1
			i = len(rest)
		default:
			value.WriteByte(c)
		}
	}
	if !closed {
		return nil, wrong
	}
	f.value = value.String()
	if _, ok := searchable[f.attribute]; !ok {
		return nil, invalid("Invalid search attribute: %s", f.attribute)
	}
	return f, nil
}

func (f *filter) matches(s *settings, u *user) bool {
	if f == nil {
		return true
	}
	value, wanted := "", f.value
	switch f.attribute {
	case "username":
		value, wanted = s.fold(u.Username), s.fold(wanted)
	case "cognito:user_status":
		value = u.Status
	case "status":
		value = "Enabled"
		if u.Disabled {
			value = "Disabled"
		}
	case "email", "preferred_username":
		value, wanted = s.fold(u.attribute(f.attribute)), s.fold(wanted)
	default:
		value = u.attribute(f.attribute)
	}
	if searchable[f.attribute] {
		value, wanted = strings.ToLower(value), strings.ToLower(wanted)
	}
	if f.prefix {
		return value != "" && strings.HasPrefix(value, wanted)
	}
	return value == wanted && value != ""
}

func (s *Service) listUsers(_ context.Context, p *pool, in *ListUsersInput) (*ListUsersOutput, error) {
	var c checks
	limit := 60
	if in.Limit != nil {
		c.number("limit", *in.Limit, 0, 60)
		if *in.Limit > 0 {
			limit = *in.Limit
		}
	}
	c.optional("filter", in.Filter, 0, 256, nil)
	for i, name := range in.AttributesToGet {
		c.text(fmt.Sprintf("attributesToGet.%d.member", i+1), name, 1, 32, attributeForm)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	f, err := parseFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	now := p.now.Load()
	for _, name := range in.AttributesToGet {
		if now.attributes[name] == nil {
			return nil, invalid("One or more requested attributes do not exist in user pool.")
		}
	}
	var after uint64
	if in.PaginationToken != "" {
		text, err := base64.RawURLEncoding.DecodeString(in.PaginationToken)
		if err == nil {
			after, err = strconv.ParseUint(string(text), 10, 64)
		}
		if err != nil {
			return nil, invalid("Invalid pagination token given.")
		}
	}
	only := in.AttributesToGet
	if len(only) == 0 {
		only = nil
	}
	out := &ListUsersOutput{Users: []User{}}
	for _, u := range p.find(now, f, after, limit+1) {
		if len(out.Users) == limit {
			out.PaginationToken = base64.RawURLEncoding.EncodeToString(strconv.AppendUint(nil, after, 10))
			break
		}
		out.Users = append(out.Users, u.describe(only))
		after = u.Seq
	}
	return out, nil
}

// find returns up to n users that match, from the one after a number on.
func (p *pool) find(now *settings, f *filter, after uint64, n int) []*user {
	d := &p.users
	d.mu.RLock()
	defer d.mu.RUnlock()
	if f != nil && !f.prefix && (f.attribute == "username" || f.attribute == "sub") {
		u := d.bySub[f.value]
		if f.attribute == "username" {
			u = d.byName[now.fold(f.value)]
		}
		if u == nil || u.Seq <= after {
			return nil
		}
		return []*user{u}
	}
	start, _ := slices.BinarySearchFunc(d.ordered, after+1, bySeq)
	var all []*user
	for _, u := range d.ordered[start:] {
		if f.matches(now, u) {
			if all = append(all, u); len(all) == n {
				break
			}
		}
	}
	return all
}
