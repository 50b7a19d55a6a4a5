/** The two recording rules of the original system, on our families. */

import { recording, type RuleFile } from './rule.ts'

const requests = 'rate(http_server_request_duration_seconds_count[60s])'

export const original = (): RuleFile => ({
  name: 'original',
  comment:
    'The two recording rules of the original system, on our families. A proxied request is counted twice: by the gateway and by the service behind it. Both rules therefore keep `job`: select job="gateway" for the responses that clients got, another job for those of a service, and never add the two.',
  groups: [
    {
      name: 'original',
      rules: [
        recording('http_requests_by_instance:rate60s', `sum by (instance, job) (${requests})`),
        recording(
          'http_responses_by_status:rate60s',
          `sum by (http_response_status_code, job) (${requests})`,
        ),
      ],
    },
  ],
})
