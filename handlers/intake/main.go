// Intake is the Lambda function that takes what was posted to the intake API.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/carepath/carepath/handlers/intake/intake"
)

func main() { lambda.Start(intake.New(intake.Logger()).Handle) }
