package main

import (
	"fmt"
	"io"
	"os"

	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

func newCICommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "ci", Short: "What continuous integration does beside deploying"}
	cmd.AddCommand(newCICommentCommand(g))
	return cmd
}

func newCICommentCommand(g *global) *cobra.Command {
	var files []string
	var key string
	p := deploy.PullRequest{}
	cmd := &cobra.Command{
		Use:   "comment",
		Short: "Put pages of Markdown into one comment on a pull request",
		Long: `Put pages of Markdown, such as those of preview --markdown, into one comment on a pull request on GitHub. The comment of a key is made
once and replaced from then on. Pages that do not fit are cut at their ends.

The environment says where: GITHUB_REPOSITORY, GITHUB_API_URL for an own server, and GITHUB_TOKEN, which may write comments. GitHub
Actions sets the first two.`,
		Example: "  carepath preview --stack dev --markdown > dev.md\n  carepath ci comment --pr 12 --file dev.md",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(files) == 0 {
				return &usageError{fmt.Errorf("--file is missing: what to comment\n  see carepath ci comment --help")}
			}
			var pages []string
			for _, name := range files {
				text, err := readPage(name, g.in)
				if err != nil {
					return &deploy.Error{Code: deploy.CodeUsage, Message: "reading the page: " + err.Error(), Err: err}
				}
				pages = append(pages, text)
			}
			p.API, p.Repository, p.Token = os.Getenv("GITHUB_API_URL"), os.Getenv("GITHUB_REPOSITORY"), os.Getenv("GITHUB_TOKEN")
			if p.Repository == "" || p.Token == "" {
				return &usageError{fmt.Errorf("GITHUB_REPOSITORY and GITHUB_TOKEN must say which repository and who comments\n  see carepath ci comment --help")}
			}
			if os.Getenv("GITHUB_ACTIONS") == "true" {
				p.Author = "github-actions[bot]"
			}
			comment, err := p.Comment(cmd.Context(), key, pages...)
			if err != nil {
				return err
			}
			if g.json {
				return g.printJSON(comment)
			}
			done := "made"
			if comment.Updated {
				done = "updated"
			}
			fmt.Fprintf(g.out, "✓ %s %s\n", done, comment.URL)
			return nil
		},
	}
	cmd.Flags().IntVar(&p.Number, "pr", 0, "the pull request's number")
	cmd.Flags().StringVar(&key, "key", "preview", "tells several comments on one pull request apart")
	cmd.Flags().StringArrayVar(&files, "file", nil, `a page of Markdown; "-" is standard input; may be repeated`)
	return cmd
}

func readPage(name string, stdin io.Reader) (string, error) {
	if name == "-" {
		text, err := io.ReadAll(stdin)
		return string(text), err
	}
	text, err := os.ReadFile(name)
	return string(text), err
}
