package stepfunctions

import (
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// parseARN returns the parts of a Step Functions ARN after its resource type, which must be one of those given.
func parseARN(arn string, types ...string) (kind string, parts []string, err error) {
	fields := strings.Split(arn, ":")
	if len(fields) < 7 || fields[0] != "arn" || fields[2] != "states" || fields[6] == "" {
		return "", nil, dispatch.Errorf("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	}
	for _, t := range types {
		if fields[5] == t {
			return t, fields[6:], nil
		}
	}
	return "", nil, dispatch.Errorf("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'", fields[5])
}

// checkMachineARN checks the form of a state machine's ARN.
func checkMachineARN(arn string) error {
	_, _, err := parseARN(arn, "stateMachine")
	return err
}

// machineARNOf returns the ARN of the state machine that a Standard execution belongs to.
func (s *Service) machineARNOf(executionARN string) (string, error) {
	_, parts, err := parseARN(executionARN, "execution")
	if err != nil {
		return "", err
	}
	if len(parts) != 2 || parts[1] == "" {
		return "", dispatch.Errorf("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", executionARN)
	}
	return s.d.ARN("states", "stateMachine:"+parts[0]), nil
}

// checkName refuses names that AWS refuses: 1 to 80 characters, no white space, brackets, wildcards, special or control
// characters.
func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n > 80 {
		return dispatch.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have length less than or equal to 80", name)
	} else if n == 0 {
		return dispatch.Errorf("ValidationException", "1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	for _, r := range name {
		if r <= 0x20 || 0x7f <= r && r <= 0x9f || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/\uFFFE\uFFFF", r) || 0xD800 <= r && r <= 0xDFFF {
			return dispatch.Errorf("InvalidName", "Invalid Name: '%s'", name)
		}
	}
	return nil
}

// tooLong is AWS's complaint about a member above its limit; the value is left out, as AWS does for data.
func tooLong(member string, limit int) error {
	return dispatch.Errorf("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", member, limit)
}

// page returns the bounds of a page of n things and the token of the next one. Tokens are the position, in the API's
// opaque form.
func page(n, maxResults int, token string) (from, to int, next string, err error) {
	if maxResults < 0 || maxResults > 1000 {
		return 0, 0, "", dispatch.Errorf("ValidationException", "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000", maxResults)
	}
	if maxResults == 0 {
		maxResults = 100
	}
	if token != "" {
		if from, err = decodeToken(token); err != nil {
			return 0, 0, "", err
		}
	}
	from = min(from, n)
	to = min(from+maxResults, n)
	if to < n {
		next = encodeToken(to)
	}
	return from, to, next, nil
}
