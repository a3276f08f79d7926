// Command conformance runs Carepath's engines and its embedded AWS against recorded behaviour of AWS.
//
//	go run ./internal/conformance -suite <name> FILE.jsonl...
//
// Every line of a file is one case, in the row shape of its suite. The command prints one JSON line for each failing
// case, with what was expected and what came, then one line for each reason for which cases were skipped, with its
// count, and last "N passed, M failed, K skipped". It exits with 0 when no case failed, with 1 when one did, and with
// 2 when it could not run.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("suite", "", "the suite, by its name or by that of a file of recordings: "+suiteList())
	flags.Usage = func() {
		fmt.Fprint(stderr, `Usage: conformance -suite NAME FILE.jsonl...

Runs the cases of the files and prints one JSON line for each that fails:
  {"file":"...","line":1,"id":"...","expected":...,"got":...}
then "skipped N: reason" for each reason, and last "N passed, M failed, K skipped".

Exit codes: 0 no case failed, 1 some failed, 2 it could not run.

`)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	suite, ok := suiteNamed(*name)
	if !ok || flags.NArg() == 0 {
		if !ok && *name != "" {
			fmt.Fprintf(stderr, "There is no suite %q. Known: %s.\n", *name, suiteList())
		}
		flags.Usage()
		return 2
	}
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	var total tally
	for _, file := range flags.Args() {
		t, err := runFile(suite, file, func(f failure) { _ = encoder.Encode(f) })
		if err != nil {
			out.Flush()
			fmt.Fprintln(stderr, err)
			return 2
		}
		total.add(t)
	}
	fmt.Fprint(out, total.report())
	if total.failed > 0 {
		return 1
	}
	return 0
}
