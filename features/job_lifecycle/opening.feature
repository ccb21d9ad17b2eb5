@JL
Feature: A job is opened for every investigation
  As the operator of a site I open an investigation and expect one job to serve it,
  so that I can watch the fibre, now or at a time that was recorded.
  The job is what the cluster runs; its inside is not our concern.

  Rule: Opening a live investigation starts exactly one job

    @JL-01a @REQ_PZ-13899 @smoke
    Example: The job is running shortly after the investigation is opened
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And it is the only job that was started

    @JL-01b @REQ_PZ-13899
    Example: A second investigation gets a job of its own
      Given a connected fibre
      And an open investigation
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And it is the only job that was started

    @JL-01c @REQ_PZ-13899
    Example: A historic investigation beside it gets a job of its own
      Given a connected fibre
      And an open investigation
      When a client opens a historic investigation over recorded data
      Then a job for it is running within its deadline
      And it is the only job that was started

  Rule: Opening a historic investigation over recorded data starts one job for that window

    @JL-02a @REQ_PZ-13899 @REQ_PZ-15241 @REQ_PZ-15242 @smoke
    Example: The job is running and was started for the window asked for
      When a client opens a historic investigation over recorded data
      Then a job for it is running within its deadline
      And it is the only job that was started
      And the job was started for the window the client asked for

    @JL-02b @REQ_PZ-13899
    Example: The job of a live investigation is not bound to a window
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And the job was started without a window

  Rule: The answer identifies the job

    @JL-03a @REQ_PZ-13899
    Example: The job id is made of a slot and a serial number
      Given a connected fibre
      When a client opens a live investigation
      Then the answer names the job by its slot and serial number

    @JL-03b @REQ_PZ-13899
    Example: A job id is never used twice
      Given a connected fibre
      And an investigation that was opened and released
      When a client opens a live investigation
      Then the answer names a job id that was never used before in this run

    @JL-03c @REQ_PZ-13899 @load
    Example: Investigations that are opened at one moment have jobs and ports of their own
      Given a connected fibre
      When several clients open a live investigation at one moment
      Then every answer names a job and a port of its own

    @JL-03d @REQ_PZ-13899 @disruptive @needs_exclusive_cluster
    Example: A job id is not used again by a server that was started anew
      Given a connected fibre
      And an investigation that was opened and released
      And a server that was just restarted
      When a client opens a live investigation
      Then the answer names a job id that was never used before in this run

  Rule: The answer tells where to stream

    @JL-04a @REQ_PZ-13899
    Example: The stream URL leads to a node of the cluster
      Given a connected fibre
      When a client opens a live investigation
      Then the answer names a stream URL that leads to a node of the cluster

    @JL-04b @REQ_PZ-13899
    Example: The stream port is a port number
      Given a connected fibre
      When a client opens a live investigation
      Then the answer names a stream port that is a port number
