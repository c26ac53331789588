"""All of Towpath on one machine: `towpath up`, the demo, and the embedded servers that both and the tests start."""
