package scheduler

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustParse(t testing.TB, text, zone string) timetable {
	t.Helper()
	z, ok := loadZone(zone)
	if !ok {
		t.Fatalf("no time zone %s", zone)
	}
	table, ok := parseExpression(text, z, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if !ok {
		t.Fatalf("%s was refused", text)
	}
	return table
}

// TestTimes has the times that follow 2026-01-01T00:00:00Z, a Thursday.
func TestTimes(t *testing.T) {
	for _, c := range []struct{ text, zone, want string }{
		{"at(2026-03-01T09:30:15)", "", "[2026-03-01T09:30:15Z]"},
		{"at(2026-03-01T09:30:15)", "Europe/Berlin", "[2026-03-01T08:30:15Z]"},
		{"at(2025-03-01T09:30:15)", "", "[]"},
		{"rate(1 minute)", "", "[2026-01-01T00:01:00Z 2026-01-01T00:02:00Z 2026-01-01T00:03:00Z]"},
		{"rate(2 hours)", "", "[2026-01-01T02:00:00Z 2026-01-01T04:00:00Z 2026-01-01T06:00:00Z]"},
		{"rate(1 minutes)", "", "[2026-01-01T00:01:00Z 2026-01-01T00:02:00Z 2026-01-01T00:03:00Z]"},
		{"cron(15 10 ? * MON-FRI *)", "", "[2026-01-01T10:15:00Z 2026-01-02T10:15:00Z 2026-01-05T10:15:00Z]"},
		{"cron(0 12 L * ? *)", "", "[2026-01-31T12:00:00Z 2026-02-28T12:00:00Z 2026-03-31T12:00:00Z]"},
		{"cron(0 0 3W * ? *)", "", "[2026-01-02T00:00:00Z 2026-02-03T00:00:00Z 2026-03-03T00:00:00Z]"},
		{"cron(0 0 1W 8,11 ? *)", "", "[2026-08-03T00:00:00Z 2026-11-02T00:00:00Z 2027-08-02T00:00:00Z]"},
		{"cron(0 0 31W * ? *)", "", "[2026-01-30T00:00:00Z 2026-03-31T00:00:00Z 2026-05-29T00:00:00Z]"},
		{"cron(0 0 LW 5 ? *)", "", "[2026-05-29T00:00:00Z 2027-05-31T00:00:00Z 2028-05-31T00:00:00Z]"},
		{"cron(0 8 ? * 2#1 *)", "", "[2026-01-05T08:00:00Z 2026-02-02T08:00:00Z 2026-03-02T08:00:00Z]"},
		{"cron(0 8 ? * tue#5 *)", "", "[2026-03-31T08:00:00Z 2026-06-30T08:00:00Z 2026-09-29T08:00:00Z]"},
		{"cron(0 8 ? * 6L *)", "", "[2026-01-30T08:00:00Z 2026-02-27T08:00:00Z 2026-03-27T08:00:00Z]"},
		{"cron(0 8 ? * L *)", "", "[2026-01-03T08:00:00Z 2026-01-10T08:00:00Z 2026-01-17T08:00:00Z]"},
		{"cron(0 8 ? * FRI-MON *)", "", "[2026-01-02T08:00:00Z 2026-01-03T08:00:00Z 2026-01-04T08:00:00Z]"},
		{"cron(0-15/5 8-8 ? * 2,3 *)", "", "[2026-01-05T08:00:00Z 2026-01-05T08:05:00Z 2026-01-05T08:10:00Z]"},
		{"cron(1-31/30 1-1 ? * 1,7 *)", "", "[2026-01-03T01:01:00Z 2026-01-03T01:31:00Z 2026-01-04T01:01:00Z]"},
		{"cron(0/30 */12 1 * ? 2027-2028)", "", "[2027-01-01T00:00:00Z 2027-01-01T00:30:00Z 2027-01-01T12:00:00Z]"},
		{"cron(0 0 29 2 ? *)", "", "[2028-02-29T00:00:00Z 2032-02-29T00:00:00Z 2036-02-29T00:00:00Z]"},
		{"cron(0 0 30 FEB ? *)", "", "[]"},
		{"cron(0 0 1 1 ? 2025)", "", "[]"},
		// New York: no 02:30 on 8 March, two 01:30 on 1 November.
		{"cron(30 2 7,8,9 3 ? 2026)", "America/New_York", "[2026-03-07T07:30:00Z 2026-03-09T06:30:00Z]"},
		{"cron(30 1 1,2 11 ? 2026)", "America/New_York", "[2026-11-01T05:30:00Z 2026-11-02T06:30:00Z]"},
	} {
		table := mustParse(t, c.text, c.zone)
		got := []string{}
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); len(got) < 3; {
			var ok bool
			if at, ok = table.next(at); !ok {
				break
			}
			got = append(got, at.Format(time.RFC3339))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s %s: %v, want %s", c.text, c.zone, got, c.want)
		}
	}
}

// TestExpressionsThatAWSRefuses has what AWS was seen to refuse, and what its grammar excludes.
func TestExpressionsThatAWSRefuses(t *testing.T) {
	for _, text := range []string{
		"cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)", "cron(71 8 1 * ? *)", "cron()",
		"rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)", "rate(0 minutes)",
		"rate(-10 minutes)", "rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)", "at(2021-02-30T00:00:00)",
		"", "every minute", "cron(0 1 ? * ? *)", "cron(0 1 ? * MON)", "cron(0 1 ? * MON#6 *)", "cron(0 1 ? * 8 *)", "cron(0 24 ? * 1 *)",
		"cron(0 1 0 * ? *)", "cron(0 1 1,L * ? *)", "cron(0 1 32W * ? *)", "cron(0/0 1 1 * ? *)", "cron(0 1 1 13 ? *)", "cron(0 1 1 1 ? 1969)",
		"cron(+1 1 1 1 ? *)", "cron(0  1 1 1 ? *)", "cron(? 1 1 1 ? *)", "cron(0 1 1 1 ? 2030-2020)", "rate(999999999 days)",
	} {
		if table, ok := parseExpression(text, time.UTC, time.Time{}); ok {
			t.Errorf("%q was read as %v", text, table)
		}
	}
	for _, zone := range []string{"Local", "Europe/Atlantis", "../x"} {
		if _, ok := loadZone(zone); ok {
			t.Errorf("the time zone %s was found", zone)
		}
	}
}

// TestCronAgreesWithItsFields compares next with a walk over every minute.
func TestCronAgreesWithItsFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minute, hour := rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 23).Draw(t, "hour")
		day := rapid.IntRange(1, 7).Draw(t, "day")
		zone := rapid.SampledFrom([]string{"UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"}).Draw(t, "zone")
		z, _ := loadZone(zone)
		table, ok := parseExpression(fmt.Sprintf("cron(%d %d ? * %d *)", minute, hour, day), z, time.Time{})
		if !ok {
			t.Fatal("refused")
		}
		from := time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "from"), 0).UTC()
		got, ok := table.next(from)
		if !ok || !got.After(from) || got.Sub(from) > 15*24*time.Hour {
			t.Fatalf("after %v comes %v", from, got)
		}
		for at := from.Truncate(time.Minute).Add(time.Minute); at.Before(got); at = at.Add(time.Minute) {
			l := at.In(z)
			twice := l.Add(-time.Hour).Hour() == l.Hour() || l.Add(-30*time.Minute).Format("15:04") == l.Format("15:04")
			if l.Minute() == minute && l.Hour() == hour && int(l.Weekday()) == day-1 && !twice && l.Add(-time.Hour).Format("15:04") != l.Format("15:04") {
				t.Fatalf("after %v comes %v, not %v", from, at, got)
			}
		}
	})
}

func TestTheLatestMissedTime(t *testing.T) {
	for text, want := range map[string]string{
		"rate(7 minutes)":          "2026-01-02T00:02:00Z",
		"cron(0/25 9-10 ? * * *)":  "2026-01-01T10:50:00Z",
		"at(2026-01-01T10:00:00)":  "2026-01-01T10:00:00Z",
		"cron(0 18 ? * THU-THU *)": "2026-01-01T18:00:00Z",
	} {
		table := mustParse(t, text, "")
		first, _ := table.next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		now := time.Date(2026, 1, 2, 0, 6, 0, 0, time.UTC)
		if got := latest(table, first, now).Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func BenchmarkCronNext(b *testing.B) {
	table := mustParse(b, "cron(15 10 ? * 6L *)", "Europe/Berlin")
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		if _, ok := table.next(at); !ok {
			b.Fatal("no time")
		}
	}
}
