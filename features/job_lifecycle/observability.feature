@JL
Feature: What a job did can be observed
  As an engineer on call I am told a job id and nothing else.
  From it I must find the job's log, its events and the node it ran on,
  without guessing names.

  Rule: What a job did can be observed

    @JL-12a @REQ_PZ-13899
    Example: The job has a log
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And the cluster shows the log of the job

    @JL-12b @REQ_PZ-13899
    Example: The cluster has noted when the job was scheduled and started
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And the cluster shows that the job was scheduled and started

    @JL-12c @REQ_PZ-13899
    Example: The node that runs the job is known
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And the cluster shows the node that runs the job

    @JL-12d @REQ_PZ-13899
    Example: A job is found by its job id alone
      Given a connected fibre
      When a client opens a live investigation
      Then a job for it is running within its deadline
      And the cluster shows the job by its job id alone
