package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// gitHub is as much of GitHub's REST API as comments need.
type gitHub struct {
	t        *testing.T
	comments []gitHubComment
	fail     int // the status that every request gets
}

type gitHubComment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
	URL string `json:"html_url"`
}

func (h *gitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer secret-token" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Bad credentials"}`)
		return
	}
	if h.fail != 0 {
		w.WriteHeader(h.fail)
		fmt.Fprint(w, "<html>")
		return
	}
	const perPage = 2
	var in gitHubComment
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			h.t.Error(err)
		}
		if n := utf8.RuneCountInString(in.Body); n > 65536 {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"message":"Validation Failed"}`)
			return
		}
	}
	var out any
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/repos/acme/care/issues/12/comments":
		page := 1
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		first := min((page-1)*perPage, len(h.comments))
		last := min(first+perPage, len(h.comments))
		if last < len(h.comments) {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?per_page=2&page=1>; rel="first", <http://%s%s?per_page=2&page=%d>; rel="next"`, r.Host, r.URL.Path, r.Host, r.URL.Path, page+1))
		}
		out = h.comments[first:last]
	case r.Method == http.MethodPost && r.URL.Path == "/repos/acme/care/issues/12/comments":
		h.say("bot", in.Body)
		out = h.comments[len(h.comments)-1]
	case r.Method == http.MethodPatch:
		for i := range h.comments {
			if r.URL.Path == fmt.Sprintf("/repos/acme/care/issues/comments/%d", h.comments[i].ID) {
				h.comments[i].Body = in.Body
				out = h.comments[i]
			}
		}
	}
	if out == nil {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"Not Found"}`)
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (h *gitHub) say(who, body string) {
	c := gitHubComment{ID: int64(100 + len(h.comments)), Body: body, URL: fmt.Sprintf("https://github.com/acme/care/pull/12#%d", len(h.comments))}
	c.User.Login = who
	h.comments = append(h.comments, c)
}

func newGitHub(t *testing.T) (*gitHub, *PullRequest) {
	h := &gitHub{t: t}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, &PullRequest{API: server.URL, Repository: "acme/care", Number: 12, Token: "secret-token", Author: "bot"}
}

func TestOneComment(t *testing.T) {
	h, pr := newGitHub(t)
	h.say("somebody", "<!-- carepath:preview -->\nnot the bot's")
	h.say("bot", "about <!-- carepath:preview -->")
	h.say("bot", "<!-- carepath:other -->\nof another key")
	first, err := pr.Comment(t.Context(), "preview", "one")
	if err != nil || first.Updated || len(h.comments) != 4 {
		t.Fatalf("%+v, %v: %+v", first, err, h.comments)
	}
	h.say("somebody", "thanks")
	second, err := pr.Comment(t.Context(), "preview", "two", "", "three\n")
	if err != nil || !second.Updated || second.URL != first.URL || len(h.comments) != 5 {
		t.Fatalf("%+v, %v: %+v", second, err, h.comments)
	}
	if got, want := h.comments[3].Body, "<!-- carepath:preview -->\ntwo\n\nthree"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCommentsFit(t *testing.T) {
	h, pr := newGitHub(t)
	row := "| `create` | `aws:sqs/queue:Queue` | `ärzte` |\n"
	long := "### dev\n\n> **Data would be lost.**\n\n<details><summary>all</summary>\n\n" + strings.Repeat(row, 3000) + "\n</details>\n"
	if _, err := pr.Comment(t.Context(), "preview", long, "### prod\n\nshort\n", strings.Replace(long, "dev", "pr-1", 1)); err != nil {
		t.Fatal(err)
	}
	body := h.comments[0].Body
	for _, want := range []string{"### dev\n\n> **Data would be lost.**", "### prod\n\nshort", "### pr-1\n\n> **Data would be lost.**", "the rest does not fit"} {
		if !strings.Contains(body, want) {
			t.Errorf("the comment lacks %q", want)
		}
	}
	if len(body) > mostCharacters || len(body) < mostCharacters*9/10 || !utf8.ValidString(body) {
		t.Errorf("%d bytes", len(body))
	}
	if open, closed := strings.Count(body, "<details>"), strings.Count(body, "</details>"); open != 2 || closed != 2 {
		t.Errorf("%d folded parts, %d closed", open, closed)
	}
	if strings.Contains(body, "| `create` | `aws:sqs/queue:Queue` | `ärzte`\n") {
		t.Error("a row is cut in the middle")
	}
}

func TestWhyNoComment(t *testing.T) {
	for want, change := range map[string]func(h *gitHub, pr *PullRequest){
		"GitHub answers 401: Bad credentials":     func(_ *gitHub, pr *PullRequest) { pr.Token = "wrong" },
		"GitHub answers 404: Not Found":           func(_ *gitHub, pr *PullRequest) { pr.Number = 13 },
		"GitHub answers 502: Bad Gateway":         func(h *gitHub, _ *PullRequest) { h.fail = http.StatusBadGateway },
		"connection refused":                      func(_ *gitHub, pr *PullRequest) { pr.API = "http://127.0.0.1:1" },
		`"ftp://x" is no address of GitHub's API`: func(_ *gitHub, pr *PullRequest) { pr.API = "ftp://x" },
		`"acme" is no repository`:                 func(_ *gitHub, pr *PullRequest) { pr.Repository = "acme" },
		"0 is no pull request's number":           func(_ *gitHub, pr *PullRequest) { pr.Number = 0 },
		"there is no token":                       func(_ *gitHub, pr *PullRequest) { pr.Token = "" },
	} {
		h, pr := newGitHub(t)
		change(h, pr)
		_, err := pr.Comment(t.Context(), "preview", "page")
		if e := (*Error)(nil); !errors.As(err, &e) || !strings.Contains(e.Message, want) || e.Hint == "" {
			t.Errorf("got %v, want %q and what to do", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret-token") {
			t.Errorf("the token is in %v", err)
		}
		if len(h.comments) > 0 {
			t.Errorf("%s: commented all the same", want)
		}
	}
	_, pr := newGitHub(t)
	if _, err := pr.Comment(t.Context(), "-->", "page"); err == nil || !strings.Contains(err.Error(), "is no key") {
		t.Errorf("a key that ends the marker: %v", err)
	}
}

func TestFailureMarkdown(t *testing.T) {
	page := FailureMarkdown("dev", &Error{Code: CodeUsage, Message: "a </pre> by @somebody\n" + strings.Repeat("ü", 2000), Hint: "do <this>"}, 1000)
	if len(page) > 1000 || !utf8.ValidString(page) || strings.Count(page, "</pre>") != 1 || strings.Contains(page, "@s") || !strings.HasSuffix(page, "\ndo &lt;this&gt;\n") {
		t.Errorf("%d bytes: %s", len(page), page)
	}
}
