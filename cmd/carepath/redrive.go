package main

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

func newRedriveCommand(g *global) *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use:   "redrive intake",
		Short: "Start the executions anew that ended in a dead-letter queue",
		Long: `Start the executions anew that ended in a dead-letter queue.

Each message becomes an execution with the original input and leaves the queue once that execution was accepted. With
a Standard workflow a redrive that was cut off starts nothing twice.`,
		Example:   "  carepath redrive intake\n  carepath redrive intake --stack dev --max 100",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"intake"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if most < 0 {
				return &usageError{fmt.Errorf("--max is %d: want 0 (all) or more", most)}
			}
			ctx := cmd.Context()
			p, err := g.project(cmd)
			if err != nil {
				return err
			}
			stack, err := g.open(cmd, false)
			if err != nil {
				return err
			}
			outputs, err := stack.Outputs(ctx)
			if err != nil {
				return err
			}
			r := deploy.Redrive{Max: most}
			r.QueueURL, _ = outputs["intakeDeadLetterQueueUrl"].(string)
			r.StateMachineARN, _ = outputs["intakeStateMachineArn"].(string)
			if r.QueueURL == "" || r.StateMachineARN == "" {
				return &deploy.Error{Code: deploy.CodeNotDeployed, Message: "the stack " + g.stack + " has no intake", Hint: "carepath up --stack " + g.stack + " deploys it"}
			}
			if r.Config, err = g.awsConfig(cmd, p); err != nil {
				return err
			}
			if !g.json {
				r.Done = func(e deploy.RedrivenExecution) {
					g.note("  %s → %s", e.FailedExecutionARN, e.ExecutionARN)
				}
			}
			done, err := r.Run(ctx)
			if g.json {
				if printErr := g.printJSON(map[string]any{"redriven": done}); printErr != nil {
					return printErr
				}
			} else {
				fmt.Fprintf(g.out, "redrove %d executions\n", len(done))
			}
			return err
		},
	}
	cmd.Flags().IntVar(&most, "max", 0, "how many messages to take at most; 0: all")
	return cmd
}

// awsConfig is how the AWS SDK reaches the stack: the embedded AWS for the local one, else as the environment says.
func (g *global) awsConfig(cmd *cobra.Command, p *deploy.Project) (aws.Config, error) {
	if g.stack != deploy.LocalStack {
		return config.LoadDefaultConfig(cmd.Context())
	}
	values := map[string]string{}
	for _, v := range p.AWSEnvironment() {
		values[v.Name] = v.Value
	}
	endpoint := values["AWS_ENDPOINT_URL"]
	return aws.Config{
		Region:       values["AWS_REGION"],
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], ""),
	}, nil
}
