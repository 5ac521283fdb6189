"""GitHub: patches as draft pull requests, approved there, validated again, merged, taken back out.

    with connect("owner/name", folder=workspace.root / "github", token=find_token()) as github:
        publish(ledger, github, outbox, patches, Wanted(files=folder))

What is unchanged costs no quota (ETags, kept on disk); the rate limit is kept to before it is reached; what
cannot be sent lies in files and is sent next time, never twice. The token comes from the environment and is
kept nowhere. This needs the extra `github`: the modules that speak to it import githubkit.
"""
