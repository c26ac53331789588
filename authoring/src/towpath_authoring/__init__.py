"""The inner loop of a connector's author: start one (`towpath connector new`), try it out (`towpath connector run`)."""
