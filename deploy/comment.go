package deploy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// PullRequest is one on GitHub that says something in a comment. See
// https://docs.github.com/en/rest/issues/comments?apiVersion=2022-11-28.
type PullRequest struct {
	API        string // of GitHub's REST API; "" for github.com's
	Repository string // "owner/name"
	Number     int
	Token      string // may write comments
	// Author is the login that the token comments as, and whose comments may be replaced; "" for anybody's.
	Author string
}

// Comment is one on a pull request.
type Comment struct {
	URL     string `json:"url"`
	Updated bool   `json:"updated"` // it was there before
}

// mostCharacters is how many a comment on GitHub may have.
const mostCharacters = 65536

// publicGitHub is the API of github.com.
const publicGitHub = "https://api.github.com"

var (
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	keyForm        = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	nextPage       = regexp.MustCompile(`<([^>]+)>; *rel="next"`)
)

// Comment puts pages of Markdown into the comment of a key: one comment, however often it is called. Pages that do not fit are
// cut at their ends, so that each keeps what it begins with.
func (p *PullRequest) Comment(ctx context.Context, key string, pages ...string) (*Comment, error) {
	if err := p.check(key); err != nil {
		return nil, err
	}
	marker := "<!-- carepath:" + key + " -->\n"
	body := struct {
		Body string `json:"body"`
	}{marker + joined(pages, mostCharacters-len(marker))}
	there, err := p.find(ctx, marker)
	if err != nil {
		return nil, err
	}
	method, path := http.MethodPost, fmt.Sprintf("/repos/%s/issues/%d/comments", p.Repository, p.Number)
	if there != 0 {
		method, path = http.MethodPatch, fmt.Sprintf("/repos/%s/issues/comments/%d", p.Repository, there)
	}
	var made struct {
		URL string `json:"html_url"`
	}
	if _, err := p.call(ctx, method, p.api()+path, body, &made); err != nil {
		return nil, err
	}
	return &Comment{URL: made.URL, Updated: there != 0}, nil
}

func (p *PullRequest) api() string { return strings.TrimSuffix(cmp.Or(p.API, publicGitHub), "/") }

func (p *PullRequest) check(key string) error {
	usage := func(format string, args ...any) error {
		return &Error{Code: CodeUsage, Message: fmt.Sprintf(format, args...), Hint: "see carepath ci comment --help"}
	}
	switch at, err := url.Parse(p.api()); {
	case err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "":
		return usage("%q is no address of GitHub's API", p.API)
	case !repositoryForm.MatchString(p.Repository):
		return usage("%q is no repository: want owner/name", p.Repository)
	case p.Number < 1:
		return usage("%d is no pull request's number", p.Number)
	case !keyForm.MatchString(key):
		return usage("%q is no key: want lower-case letters, digits and hyphens", key)
	case p.Token == "":
		return usage("there is no token to comment with")
	}
	return nil
}

// find returns the id of the comment that begins with the marker; 0 if there is none. Others may quote the marker, but not begin
// a comment of the author's with it.
func (p *PullRequest) find(ctx context.Context, marker string) (int64, error) {
	next := fmt.Sprintf("%s/repos/%s/issues/%d/comments?per_page=100", p.api(), p.Repository, p.Number)
	for next != "" {
		var comments []struct {
			ID   int64
			Body string
			User struct{ Login string }
		}
		header, err := p.call(ctx, http.MethodGet, next, nil, &comments)
		if err != nil {
			return 0, err
		}
		for _, c := range comments {
			// GitHub may give back other ends of lines than it got.
			if strings.HasPrefix(c.Body, strings.TrimSpace(marker)) && (p.Author == "" || c.User.Login == p.Author) {
				return c.ID, nil
			}
		}
		next = ""
		if m := nextPage.FindStringSubmatch(header.Get("Link")); m != nil && strings.HasPrefix(m[1], p.api()+"/") { // the token goes nowhere else
			next = m[1]
		}
	}
	return 0, nil
}

// call does one request. A refusal is an *Error that names what GitHub said, and never the token.
func (p *PullRequest) call(ctx context.Context, method, at string, in, out any) (http.Header, error) {
	doing := fmt.Sprintf("commenting on %s#%d", p.Repository, p.Number)
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("Authorization", "Bearer "+p.Token)
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, &Error{Code: CodeFailed, Message: doing + " failed: " + err.Error(), Hint: "run it again", Err: err}
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		var said struct{ Message string }
		if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&said); err != nil || said.Message == "" {
			said.Message = http.StatusText(response.StatusCode)
		}
		e := &Error{Code: CodeFailed, Message: fmt.Sprintf("%s failed: GitHub answers %d: %s", doing, response.StatusCode, said.Message)}
		switch response.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			e.Code, e.Hint = CodeDenied, "the token must be of a job with permissions: pull-requests: write, and of this repository"
		default:
			e.Hint = "run it again"
		}
		return nil, e
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		return nil, fmt.Errorf("%s: reading GitHub's answer: %w", doing, err)
	}
	return response.Header, nil
}

// joined are pages one after the other, within a limit of bytes. What one leaves of its share the others have.
func joined(pages []string, limit int) string {
	pages = slices.DeleteFunc(slices.Clone(pages), func(p string) bool { return strings.TrimSpace(p) == "" })
	left := limit - len("\n")*len(pages)
	order := make([]int, len(pages))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(pages[a]) - len(pages[b]) })
	for n, i := range order {
		pages[i] = cut(strings.TrimRight(pages[i], "\n"), left/(len(pages)-n))
		left -= len(pages[i])
	}
	return strings.Join(pages, "\n\n")
}

const cutNotice = "\n\n… the rest does not fit into a comment: it is in the job's summary.\n"

// cut ends a page of Markdown at a line, so that it has at most limit bytes, and closes what is folded.
func cut(page string, limit int) string {
	const closing = "\n</details>"
	if len(page) <= limit {
		return page
	}
	deepest := strings.Count(page, "<details>")
	room := max(limit-len(cutNotice)-deepest*len(closing), 0)
	page = strings.ToValidUTF8(page[:room], "")
	if i := strings.LastIndexByte(page, '\n'); i >= 0 {
		page = page[:i]
	}
	open := strings.Count(page, "<details>") - strings.Count(page, "</details>")
	return page + strings.Repeat(closing, max(open, 0)) + cutNotice
}

// FailureMarkdown is a page that says why an operation on a stack failed, of at most limit bytes, 1000 at least.
func FailureMarkdown(stack string, err error, limit int) string {
	limit = max(limit, 1000)
	message, hint := err.Error(), ""
	var e *Error
	if errors.As(err, &e) {
		message, hint = e.Message, e.Hint
	}
	const open, end = "\n\n<pre>\n", "\n</pre>\n"
	title := "### `" + cell(stack) + "` failed"
	if hint != "" {
		hint = "\n" + literal(hint, 600) + "\n"
	}
	return title + open + literal(message, limit-len(title)-len(open)-len(end)-len(hint)) + end + hint
}

// literal makes a text mean nothing in Markdown, nor mention anybody, and cuts it to a limit of bytes.
func literal(text string, limit int) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b", "\r", "").Replace(text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-len("…")], "") + "…"
	}
	return text
}
