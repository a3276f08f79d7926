package policies

import (
	"slices"

	"github.com/carepath/carepath/deploy/graph"
)

const hipaaBackup = "HIPAA §164.308(a)(7)(ii)(A)"

// holders are the types that hold what a new resource of the same name has not.
var holders = []string{
	"aws:cloudcontrol/resource:Resource", "aws:cloudwatch/eventArchive:EventArchive", userPool, table, key,
	"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket", "aws:secretsmanager/secret:Secret", queue,
}

var production = []Rule{
	{
		ID: "CPK-PRD-001", Title: "What holds data or keys is protected", Production: true, Mend: "leave carepath:platform.protect on; give the resource pulumi.Protect",
		Reason:     "A mistake in the program or a wrong command cannot delete it.",
		Controls:   []string{hipaaBackup, "HIPAA §164.312(c)(1)"},
		Exceptions: []string{"mappings of domains that Cloud Control makes: they hold nothing"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				holds := r.Type != "aws:cloudcontrol/resource:Resource" || r.Text("typeName") == dataStore
				if holds && !r.Options.Protect {
					c.found(r, "it is not protected")
				}
			}, holders...)
		},
	},
	{
		ID: "CPK-PRD-002", Title: "Tables can be restored to any second of the last days", Mend: "set PointInTimeRecovery",
		Reason:   "A wrong write is a write as any other: only the past undoes it.",
		Controls: []string{hipaaBackup, "AWS Security Hub DynamoDB.2"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !r.True("pointInTimeRecovery.enabled") {
					c.found(r, "pointInTimeRecovery is not on")
				}
			}, table)
		},
	},
	{
		ID: "CPK-PRD-003", Title: "AWS refuses to delete tables and user pools", Production: true, Mend: "leave carepath:users.deletionProtection on; set deletionProtection of the resource",
		Reason:   "Pulumi's protection does not bind those who use the console.",
		Controls: []string{hipaaBackup, "AWS Security Hub DynamoDB.6", "AWS Security Hub Cognito.6"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !r.True("deletionProtectionEnabled") && r.Text("deletionProtection") != "ACTIVE" {
					c.found(r, "its deletion protection is off")
				}
			}, table, userPool)
		},
	},
	{
		ID: "CPK-PRD-004", Title: "Buckets are not emptied to be deleted", Production: true, Mend: "leave ForceDestroy off",
		Reason:   "An emptied bucket is gone with all versions of its objects.",
		Controls: []string{hipaaBackup},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.True("forceDestroy") {
					c.found(r, "forceDestroy is on")
				}
			}, buckets...)
		},
	},
	{
		ID: "CPK-PRD-005", Title: "A key that is deleted can be had back for thirty days", Production: true, Mend: "set DeletionWindowInDays to 30",
		Reason:   "What is encrypted with a key that is gone is gone.",
		Controls: []string{hipaaBackup, "AWS Security Hub KMS.3"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if days, set := r.Number("deletionWindowInDays"); set && days < 30 { // AWS's own default is 30
					c.found(r, "it is gone after %v days", days)
				}
			}, key)
		},
	},
	{
		ID: "CPK-PRD-006", Title: "Users can give a second factor, and passwords are strong", Production: true, Mend: "set carepath:users.mfa to OPTIONAL or ON",
		Reason:   "A password that is known elsewhere is not enough to be somebody.",
		Controls: []string{"HIPAA §164.312(d)", "AWS Security Hub Cognito.3", "AWS Security Hub Cognito.5"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if mfa := r.Text("mfaConfiguration"); mfa == "" || mfa == "OFF" {
					c.found(r, "mfaConfiguration is %q", mfa)
				}
				least, _ := r.Number("passwordPolicy.minimumLength")
				kinds := []string{"requireLowercase", "requireUppercase", "requireNumbers", "requireSymbols"}
				if least < 8 || slices.ContainsFunc(kinds, func(k string) bool { return !r.True("passwordPolicy." + k) }) {
					c.found(r, "its password policy takes weak ones")
				}
			}, userPool)
		},
	},
	{
		ID: "CPK-PRD-007", Title: "Alarms tell somebody", Production: true, Mend: "set carepath:platform.alarmTopicArns",
		Reason:   "An alarm that nobody hears is none.",
		Controls: []string{"HIPAA §164.308(a)(6)(ii)", "AWS Security Hub CloudWatch.15"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if actions, _ := r.Value("alarmActions"); !actions.IsArray() || len(actions.ArrayValue()) == 0 {
					c.found(r, "it has no actions")
				}
			}, metricAlarm)
		},
	},
}
