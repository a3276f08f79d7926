package provider

import "strings"

// mergedTags are a resource's tags over the provider's default tags.
func mergedTags(defaults map[string]string, own any) any {
	if _, is := own.(unknown); is {
		return own
	}
	all := map[string]any{}
	for k, v := range defaults {
		all[k] = v
	}
	for k, v := range asObject(own) {
		all[k] = v
	}
	return all
}

// splitTags turns the tags that a resource has into tagsAll and, without the default tags that the program did not
// repeat, tags.
func (s *settings) splitTags(live props, own map[string]string) {
	all := map[string]any{}
	tags := map[string]any{}
	for k, v := range stringsOf(live["tagsAll"]) {
		if strings.HasPrefix(k, "aws:") || s.ignoresTag(k) {
			continue
		}
		all[k] = v
		if d, isDefault := s.defaultTags[k]; isDefault && d == v {
			if _, repeated := own[k]; !repeated {
				continue
			}
		}
		tags[k] = v
	}
	live["tagsAll"] = all
	delete(live, "tags")
	if len(tags) > 0 {
		live["tags"] = tags
	}
}

func (s *settings) ignoresTag(key string) bool {
	for _, k := range s.ignoredKeys {
		if k == key {
			return true
		}
	}
	for _, p := range s.ignoredPrefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// tagList writes tags as the APIs do that take a list.
func tagList(tags any, key, value string) []any {
	m := stringsOf(tags)
	all := []any{}
	for _, k := range sortedKeys(m) {
		all = append(all, map[string]any{key: k, value: m[k]})
	}
	return all
}

// tagMap reads tags from such a list.
func tagMap(tags []props, key, value string) map[string]any {
	all := map[string]any{}
	for _, t := range tags {
		all[t.text(key)] = t.text(value)
	}
	return all
}
