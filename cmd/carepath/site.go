package main

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

// site is a deployed stack as its users reach it: by its outputs.
type site struct {
	g       *global
	project *deploy.Project
	outputs map[string]any
}

// site reads the chosen stack's outputs.
func (g *global) site(cmd *cobra.Command) (*site, error) {
	p, err := g.project(cmd)
	if err != nil {
		return nil, err
	}
	read := g.outputs
	if read == nil {
		read = g.stackOutputs
	}
	outputs, err := read(cmd)
	return &site{g, p, outputs}, err
}

func (g *global) stackOutputs(cmd *cobra.Command) (map[string]any, error) {
	stack, err := g.open(cmd, false)
	if err != nil {
		return nil, err
	}
	return stack.Outputs(cmd.Context())
}

func (s *site) output(name string) string {
	text, _ := s.outputs[name].(string)
	return text
}

// fhirEndpoint is the address of the stack's FHIR data store.
func (s *site) fhirEndpoint() (string, error) {
	if endpoint := s.output("fhirEndpoint"); endpoint != "" {
		return endpoint, nil
	}
	return "", &deploy.Error{Code: deploy.CodeNotDeployed, Message: "the stack " + s.g.stack + " has no FHIR data store", Hint: s.setting("enabled")}
}

// changeQueue is the address of the queue that a rule fills with the changes.
func (s *site) changeQueue() (string, error) {
	if _, err := s.fhirEndpoint(); err != nil {
		return "", err
	}
	if queue := s.output("changeQueueUrl"); queue != "" {
		return queue, nil
	}
	return "", &deploy.Error{Code: deploy.CodeNotDeployed, Message: "the stack " + s.g.stack + " has no queue of changes", Hint: s.setting("subscriber") +
		"; or a rule of your own on the event bus " + s.output("changeBusName") + " fills a queue of yours"}
}

// setting says how a setting of the data store is switched on.
func (s *site) setting(name string) string {
	return "carepath:healthlake." + name + ": true in Pulumi." + s.g.stack + ".yaml and carepath up --stack " + s.g.stack + " make one"
}

// awsConfig is how the AWS SDK reaches what is at an address, in the address's region, with credentials that can be had.
func (s *site) awsConfig(cmd *cobra.Command, address string) (aws.Config, error) {
	c, err := s.g.awsConfig(cmd, s.project)
	if err != nil {
		return c, err
	}
	if region := regionOf(address); region != "" {
		c.Region = region
	}
	if _, err := c.Credentials.Retrieve(cmd.Context()); err != nil {
		return c, &deploy.Error{Code: deploy.CodeCredentials, Message: "there are no credentials for AWS: " + err.Error(), Err: err,
			Hint: "export AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}
	}
	return c, nil
}

// regionOf is the region in an address of AWS, such as https://sqs.us-east-1.amazonaws.com/...; "" if there is none.
func regionOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	service, rest, _ := strings.Cut(u.Hostname(), ".")
	region, domain, _ := strings.Cut(rest, ".")
	if service == "" || !strings.HasPrefix(domain, "amazonaws.com") {
		return ""
	}
	return region
}
